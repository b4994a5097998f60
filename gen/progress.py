"""The events that long work yields. The library tells; the command line draws, the server sends.

Losses are in nats per token; of classifiers, per document.
"""

import contextlib
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from gen.config import ClassifierConfig, ClassifyConfig, ModelConfig, TrainConfig

_T = TypeVar("_T")
_StepT = TypeVar("_StepT")
_EventT = TypeVar("_EventT")


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the user should know and need not act on."""

    message: str


@dataclass(frozen=True, slots=True)
class Downloading:
    """A corpus of the catalogue is on its way.

    Attributes:
        name: its name, as "@enwik8".
        received: bytes so far, those of an earlier attempt included.
        total: bytes in all; an estimate where the source does not tell.
    """

    name: str
    received: int
    total: int


@dataclass(frozen=True, slots=True)
class ReadingFiles:
    """The files of a corpus are being read.

    Attributes:
        done: how many have been.
        total: how many there are.
    """

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class ReadingText:
    """The text of a corpus is being read.

    Attributes:
        phase: it is looked at, turned into tokens, or put in order to be searched.
        done: bytes so far.
        total: bytes in all; None where only the end tells.
    """

    phase: Literal["reading", "tokenising", "indexing"]
    done: int
    total: int | None


Reading = ReadingFiles | ReadingText


@dataclass(frozen=True, slots=True)
class Started:
    """Training is about to take its first step; every choice is made.

    Attributes:
        step: 0, or the step a resumed run goes on from.
        steps: planned steps, None where minutes bound the run.
        steps_per_epoch: chunks in one pass over the training part.
        baseline: validation loss of a Witten-Bell n-gram model counted on (a part of) the same corpus.
        baseline_model: what it is called: "5-gram" for text, "bigram" for music.
    """

    model: ModelConfig
    train: TrainConfig
    step: int
    steps: int | None
    steps_per_epoch: int
    baseline: float
    baseline_model: str


@dataclass(frozen=True, slots=True)
class ClassifierStarted:
    """Training of a classifier is about to take its first step; every choice is made.

    Attributes:
        step: 0, or the step a resumed run goes on from.
        steps_per_epoch: batches in one pass over the training part.
        weights: numbers in the model.
        trained: how many of them training changes.
        majority: accuracy, on the validation part, of always naming the class that most of its documents are of.
    """

    model: ModelConfig
    classifier: ClassifierConfig
    train: ClassifyConfig
    step: int
    steps_per_epoch: int
    weights: int
    trained: int
    majority: float


@dataclass(frozen=True, slots=True)
class StepFinished:
    """One optimizer step.

    Attributes:
        step: steps taken so far.
        progress: share of the budget used, 0 … 1.
        loss: training loss of this step's batch.
        learning_rate: the rate used.
        tokens_per_second: over the last seconds, validation and previews left out.
        seconds: trained so far, over all sittings.
        seconds_left: estimate.
    """

    step: int
    progress: float
    loss: float
    learning_rate: float
    tokens_per_second: float
    seconds: float
    seconds_left: float


@dataclass(frozen=True, slots=True)
class Validating:
    """A validation is under way; the share done, 0 … 1."""

    done: float


@dataclass(frozen=True, slots=True)
class Probing:
    """A probe is under way; the share done, 0 … 1."""

    done: float


@dataclass(frozen=True, slots=True)
class Validated:
    """One pass over the validation part.

    Attributes:
        best: it is the lowest loss so far, and the model was kept.
    """

    step: int
    loss: float
    best: bool


@dataclass(frozen=True, slots=True)
class ClassifierValidated(Validated):
    """One pass of a classifier over the validation part.

    Attributes:
        accuracy: share of documents that it named rightly.
    """

    accuracy: float


@dataclass(frozen=True, slots=True)
class Sampled:
    """What the model writes now: text, or the names of the pitches."""

    step: int
    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The budget is used up.

    Attributes:
        loss: of the kept model, one stateful pass over the validation part.
        tokens: of the validation part that it was measured on.
        figures: the same loss in units that compare across tokenizers, as `gen.metrics.units.figures` has them; of a
            classifier, what `gen.metrics.classification.Classification.figures` has.
        best_step: the step the kept model was taken at.
    """

    step: int
    loss: float
    tokens: int
    figures: Mapping[str, float]
    best_step: int
    seconds: float
    tokens_per_second: float


Event = Notice | Started | ClassifierStarted | StepFinished | Validating | Validated | Sampled | Finished


def result_of(work: Generator[Any, None, _T]) -> _T:
    """What long work returns, its events unseen."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: _T = end.value
            return result


def told_as(work: Generator[_StepT, None, _T], event: Callable[[_StepT], _EventT]) -> Generator[_EventT, None, _T]:
    """Work that yields how far it is, as the events that this becomes."""
    with contextlib.closing(work):
        while True:
            try:
                done = next(work)
            except StopIteration as end:
                result: _T = end.value
                return result
            yield event(done)
