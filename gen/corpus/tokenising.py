"""Units of text to ids, several at a time: in processes of their own where that is worth it."""

import json
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gen.config import available_threads
from gen.corpus.units import Unit
from gen.corpus.worker import Worker, Workers
from gen.errors import TokenizerError

if TYPE_CHECKING:
    from gen.tokenizers import TextTokenizer

_QUICK = ("char", "byte")  # families that encode as fast as texts come through a pipe
_WORTH = 8_000_000  # bytes of text from which on another family gains more than processes take to start
_ATTEMPTS = 2  # the first time, something else may have been at fault

EncodedTexts = list[NDArray[np.integer[Any]]]


def processes(tokenizer: "TextTokenizer", size: int) -> int:
    """How many processes are worth their start for `size` bytes of text; 0 for none but this one."""
    threads = available_threads()
    if threads < 2 or size < _WORTH or tokenizer.to_dict()["kind"] in _QUICK:
        return 0
    return min(threads, size // (_WORTH // 2))


class Tokenising:
    """Turns units into ids, one after the other or several at once.

    Args:
        tokenizer: encodes them.
        workers: processes that do it; 0 for none but this one.
    """

    def __init__(self, tokenizer: "TextTokenizer", workers: int) -> None:
        self._tokenizer = tokenizer
        self._remote = workers > 0
        self._workers = Workers(max(1, workers), partial(_started, tokenizer))
        self.ahead = 2 * workers + 1
        """Units worth having in work."""

    def submit(self, unit: Unit) -> "Future[EncodedTexts]":
        """The ids of each text of a unit, when they are made (`TokenizerError` names the document at fault)."""
        return self._workers.submit(self._encode, unit)

    def _encode(self, unit: Unit) -> EncodedTexts:
        if self._remote:
            for _ in range(_ATTEMPTS):
                worker = self._workers.mine()
                try:
                    return _encoded_by(worker, unit, self._tokenizer.dtype)
                except OSError:
                    worker.close()
        return [self._here(number, unit) for number in range(len(unit.texts))]

    def _here(self, number: int, unit: Unit) -> NDArray[np.integer[Any]]:
        try:
            return self._tokenizer.encode(unit.texts[number])
        except TokenizerError as error:
            raise _named(unit, number, str(error)) from error

    def __enter__(self) -> "Tokenising":
        return self

    def __exit__(self, *_: object) -> None:
        self._workers.close()


def _started(tokenizer: "TextTokenizer") -> Worker:
    worker = Worker("gen.corpus.text_worker")
    worker.send(json.dumps(tokenizer.to_dict()).encode() + b"\n")
    return worker


def _encoded_by(worker: Worker, unit: Unit, dtype: np.dtype[Any]) -> EncodedTexts:
    worker.send(json.dumps([len(data) for data in unit.data]).encode() + b"\n", *unit.data)
    head = json.loads(worker.line())
    if "error" in head:
        raise _named(unit, head["text"], head["error"])
    lengths = head["lengths"]
    ids = np.frombuffer(worker.read(sum(lengths) * dtype.itemsize), dtype)
    return np.split(ids, np.cumsum(lengths)[:-1])


def _named(unit: Unit, number: int, reason: str) -> TokenizerError:
    return TokenizerError(f"{unit.documents[number].name}: {reason}")
