import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from gen.corpus import tokenising
from gen.corpus.tokenising import Tokenising, processes
from gen.corpus.units import Unit, units
from gen.corpus.worker import Worker
from gen.errors import TokenizerError
from gen.tokenizers import ByteTokenizer, CharTokenizer, WordTokenizer

TOKENIZER = CharTokenizer.fit(["naïve 日本\n"], boundary=True)


@dataclass
class Text:
    name: str
    text: str

    def blocks(self) -> Iterator[str]:
        yield self.text


def unit_of(*texts: str) -> Unit:
    (unit,) = units([Text(f"document {number}", text) for number, text in enumerate(texts)])
    return unit


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_units_become_ids_here_or_elsewhere(workers: int) -> None:
    texts = [["naïve\n", "日本"], ["n"], ["a" * 300_000]] * 4
    with Tokenising(TOKENIZER, workers) as work:
        results = [work.submit(unit_of(*some)) for some in texts]
        for some, result in zip(texts, results, strict=True):
            ids = result.result()
            assert [one.tolist() for one in ids] == [TOKENIZER.encode(text).tolist() for text in some]
            assert all(one.dtype == TOKENIZER.dtype for one in ids)


@pytest.mark.parametrize("workers", [0, 1])
def test_the_document_with_what_is_unknown_is_named(workers: int) -> None:
    with Tokenising(TOKENIZER, workers) as work:
        failing = work.submit(unit_of("a", "axb", "n"))
        good = work.submit(unit_of("nn"))
        with pytest.raises(TokenizerError, match=r"document 1: 2 characters .*'x' \(U\+0078\) 'b'"):
            failing.result()
        assert len(good.result()[0]) == 2


def test_a_worker_that_dies_is_replaced_and_then_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []

    def dying(tokenizer: CharTokenizer, survives: int) -> Worker:
        worker = tokenising_started(tokenizer)
        sent.append(worker.pid)
        if len(sent) <= survives:
            os.kill(worker.pid, signal.SIGKILL)
        return worker

    tokenising_started = tokenising._started
    for dead in (1, 2):
        sent.clear()
        monkeypatch.setattr(tokenising, "_started", partial(dying, survives=dead))
        with Tokenising(TOKENIZER, 1) as work:
            assert work.submit(unit_of("naïve")).result()[0].tolist() == TOKENIZER.encode("naïve").tolist()
        assert len(sent) == 2


@pytest.mark.parametrize("failure", [KeyboardInterrupt, ValueError])
def test_whatever_happens_no_process_stays(failure: type[BaseException]) -> None:
    began = time.monotonic()
    with pytest.raises(failure), Tokenising(TOKENIZER, 2) as work:
        for _ in range(3):
            work.submit(unit_of("n" * 1_000_000))
        work.submit(unit_of("a")).result()
        pids = [worker.pid for worker in work._workers._all]
        for _ in range(8):
            work.submit(unit_of("n" * 3_000_000))
        raise failure
    assert len(pids) in (1, 2)
    assert time.monotonic() - began < 20
    for pid in pids:
        with pytest.raises(ProcessLookupError):  # neither running nor waiting to be asked how it ended
            os.kill(pid, 0)


SCRIPT = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests may ignore it
from gen.corpus.tokenising import Tokenising
from gen.tokenizers import WordTokenizer
from tests.corpus.test_tokenising import unit_of
with Tokenising(WordTokenizer(["a"]), 2) as work:
    units = [work.submit(unit_of("one two three " * 100_000)) for _ in range(6)]
    units[0].result()
    print(*(worker.pid for worker in work._workers._all), flush=True)
    for _ in range(1000):
        work.submit(unit_of("one two three " * 100_000)).result()
"""


def ended(pid: int) -> bool:
    """Whether a process has; who adopted it may not have asked yet."""
    status = Path(f"/proc/{pid}/stat")
    try:
        return status.read_text("utf-8").rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_processes_end_with_the_one_that_they_work_for(number: signal.Signals) -> None:
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        pids = [int(pid) for pid in process.stdout.readline().split()]
        assert len(pids) == 2 and not any(map(ended, pids))
        if number == signal.SIGINT:  # from the keyboard it goes to all of them
            os.killpg(process.pid, number)
        else:
            process.kill()
        process.wait(20)
    deadline = time.monotonic() + 20
    while not all(map(ended, pids)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_processes_are_started_where_they_are_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    words = WordTokenizer(["a"])
    monkeypatch.setattr(tokenising, "available_threads", lambda: 8)
    assert processes(CharTokenizer("a"), 10**12) == processes(ByteTokenizer(), 10**12) == 0
    assert processes(words, 1_000_000) == 0
    assert processes(words, 10_000_000) == 2
    assert processes(words, 10**9) == 8
    monkeypatch.setattr(tokenising, "available_threads", lambda: 1)
    assert processes(words, 10**9) == 0


def test_ids_of_two_bytes_come_back_as_they_were() -> None:
    text = "".join(map(chr, range(0x4E00, 0x4E00 + 700)))
    tokenizer = CharTokenizer.fit([text])
    with Tokenising(tokenizer, 1) as work:
        (ids,) = work.submit(unit_of(text)).result()
    assert ids.dtype == np.uint16
    assert ids.tolist() == list(range(700))
