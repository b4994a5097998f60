"""How surprising a document is to a model: what each of its tokens costs, in nats.

A token costs minus the logarithm of the probability that the model gave it, after `start` and all tokens before it. So
the sum is minus the logarithm of the probability that a stream without a prompt, at temperature 1, begins with the
document; `gen.evaluation.measure` takes the mean of the same costs.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from gen.errors import SamplingError
from gen.protocols import Ids, LanguageModel, Logits, RecurrentState

if TYPE_CHECKING:
    from gen.music.events import EventTable
    from gen.music.score import Score
    from gen.tokenizers import AnyTokenizer

_NUMBERS = 2**20  # logits at a time
_TOKENS = 2048  # at a time: a piece of text that is soon there

State = RecurrentState[NDArray[Any]]


@runtime_checkable
class ReadingModel(Protocol):
    """A model that tells the logits after each id that it reads."""

    def logits(self, ids: Ids, state: State) -> tuple[NDArray[Any], State]:
        """Read T ids a row (B, T); return the logits after each (B, T, V) and the new state."""


def costs(model: LanguageModel[NDArray[Any]], ids: Ids) -> Iterator[NDArray[np.float64]]:
    """What each id but the first costs in nats, some at a time, in memory that does not grow with their number.

    Args:
        model: of numpy arrays; where it is a `ReadingModel`, it is asked for many logits at once.
        ids: (T + 1,), of which the first is read, and not scored.

    Raises:
        SamplingError: on the way, a logit is NaN or plus infinity.
    """
    length = max(1, min(_TOKENS, _NUMBERS // model.vocabulary_size))
    state = model.initial_state(1)
    for begin in range(0, len(ids) - 1, length):
        end = min(begin + length, len(ids) - 1)
        logits, state = _read(model, np.asarray(ids[begin:end], np.int64), state)
        yield _paid(logits, np.asarray(ids[begin + 1 : end + 1], np.int64))


def _read(model: LanguageModel[NDArray[Any]], ids: Ids, state: State) -> tuple[Logits, State]:
    """The logits after each of the ids, (T, V)."""
    if isinstance(model, ReadingModel):
        logits, state = model.logits(ids[None], state)
        return logits[0], state
    rows = np.empty((len(ids), model.vocabulary_size), np.float32)
    for place in range(len(ids)):
        logits, state = model.step(ids[place : place + 1], state)
        rows[place] = logits[0]
    return rows, state


def _paid(logits: Logits, ids: Ids) -> NDArray[np.float64]:
    relative = logits.astype(np.float64)
    largest = relative.max(1, keepdims=True)
    if not (largest < np.inf).all():  # NaN is not, either
        raise SamplingError("the model's logits are not all finite numbers: take another checkpoint")
    relative -= largest
    return np.asarray(np.log(np.exp(relative).sum(1)) - relative[np.arange(len(ids)), ids])


@dataclass(frozen=True, slots=True)
class Total:
    """What a document costs in all.

    Attributes:
        tokens: that it has.
        units: characters or notes that these stand for.
        nats: that they cost.
    """

    tokens: int = 0
    units: int = 0
    nats: float = 0.0

    def __add__(self, other: "Total") -> "Total":
        return Total(self.tokens + other.tokens, self.units + other.units, self.nats + other.nats)


def ids_of(tokenizer: "AnyTokenizer", document: "str | Score | os.PathLike[str]") -> NDArray[np.integer[Any]]:
    """The ids of a text, or of a score or MIDI file.

    Raises:
        MidiError: the file cannot be read.
        TokenizerError: the document is outside what the tokenizer knows.
    """
    if tokenizer.medium == "music" and isinstance(document, str | os.PathLike):
        from gen.music.midi_reader import read_midi  # its parser takes as long to load as all else

        document = read_midi(document).score
    return tokenizer.encode(document)  # type: ignore[arg-type]


def sections(ids: Ids, table: "EventTable") -> NDArray[np.int64]:
    """The bar that each event of a piece is in, or the second where its clock counts these; from 0 on, (T,)."""
    from gen.music.grid import STEPS_PER_SECOND  # a text does without

    if table.clock == "beats":
        return np.asarray(np.maximum(np.cumsum(ids == table.bar) - 1, 0))
    ids = np.asarray(ids, np.int64)
    shifts = (ids >= table.shift) & (ids < table.velocity)
    return np.asarray(np.cumsum(np.where(shifts, ids - table.shift + 1, 0)) // STEPS_PER_SECOND)
