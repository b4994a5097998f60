"""How well classes are named: accuracy, F1, confusion, and how far the probabilities can be believed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gen.config import require

BINS = 10
"""Equal intervals of confidence that calibration is measured in."""
FIGURES = ("loss", "accuracy", "majority", "macro_f1", "calibration_error")
"""What of a `Classification` is one number."""


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """One class.

    Attributes:
        label: its name.
        documents: how many are of it.
        precision: share of those named so that are.
        recall: share of its own that are named so.
        f1: the harmonic mean of both; 0 where both are.
    """

    label: str
    documents: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class Bin:
    """The documents whose likeliest class had a probability in one interval.

    Attributes:
        low: where the interval begins; it ends where the next begins, the last at 1.
        documents: how many.
        confidence: their mean probability of the class named; None of none.
        accuracy: how often it was right; None of none.
    """

    low: float
    documents: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Classification:
    """What was measured on documents whose classes are known.

    Attributes:
        documents: how many.
        loss: mean cross-entropy, nats a document.
        accuracy: share that is named rightly.
        majority: accuracy of always naming the class that most documents are of.
        macro_f1: the mean of the classes' F1, over those that occur or are named.
        calibration_error: expected calibration error: the mean distance of confidence and accuracy over the bins,
            weighted by their documents (Guo et al. 2017).
        classes: each.
        confusion: documents by true class (rows) and class named (columns), int64 (C, C).
        bins: reliability, by confidence.
    """

    documents: int
    loss: float
    accuracy: float
    majority: float
    macro_f1: float
    calibration_error: float
    classes: tuple[ClassFigures, ...]
    confusion: NDArray[np.int64]
    bins: tuple[Bin, ...]

    def figures(self) -> dict[str, float]:
        """The figures of one number each."""
        return {name: float(getattr(self, name)) for name in FIGURES}

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return {
            "documents": self.documents,
            **self.figures(),
            "classes": [{n: getattr(it, n) for n in ClassFigures.__dataclass_fields__} for it in self.classes],
            "confusion": self.confusion.tolist(),
            "bins": [{n: getattr(it, n) for n in Bin.__dataclass_fields__} for it in self.bins],
        }


def measure_classes(
    probabilities: NDArray[np.floating[Any]], targets: NDArray[np.integer[Any]], labels: Sequence[str]
) -> Classification:
    """Compare the probabilities of classes with the classes.

    Args:
        probabilities: (n, C), n >= 1, each row's sum 1.
        targets: the true classes (n,).
        labels: the classes' names, C of them.

    Raises:
        ConfigError: there are no documents.
    """
    count = len(targets)
    require(count >= 1, "documents", count, "1 or more")
    named = probabilities.argmax(axis=1)
    confusion = np.zeros((len(labels), len(labels)), np.int64)
    np.add.at(confusion, (targets, named), 1)
    classes = tuple(_class(label, confusion, index) for index, label in enumerate(labels))
    met = confusion.sum(0) + confusion.sum(1) > 0
    confidence, right = probabilities.max(axis=1), named == targets
    bins = _bins(confidence, right)
    tiny = np.finfo(np.float64).tiny
    return Classification(
        documents=count,
        loss=float(-np.log(np.maximum(probabilities[np.arange(count), targets], tiny)).mean()),
        accuracy=float(right.mean()),
        majority=float(confusion.sum(1).max() / count),
        macro_f1=float(np.mean([it.f1 for it, there in zip(classes, met, strict=True) if there])),
        calibration_error=sum(
            it.documents * abs(it.confidence - it.accuracy)
            for it in bins
            if it.confidence is not None and it.accuracy is not None
        )
        / count,
        classes=classes,
        confusion=confusion,
        bins=bins,
    )


def _class(label: str, confusion: NDArray[np.int64], index: int) -> ClassFigures:
    right, named, own = (int(n) for n in (confusion[index, index], confusion[:, index].sum(), confusion[index].sum()))
    return ClassFigures(
        label=label,
        documents=own,
        precision=right / named if named else 0.0,
        recall=right / own if own else 0.0,
        f1=2 * right / (named + own) if named + own else 0.0,
    )


def _bins(confidence: NDArray[np.floating[Any]], right: NDArray[np.bool_]) -> tuple[Bin, ...]:
    place = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    found = []
    for number in range(BINS):
        inside = place == number
        count = int(inside.sum())
        means = (float(confidence[inside].mean()), float(right[inside].mean())) if count else (None, None)
        found.append(Bin(number / BINS, count, *means))
    return tuple(found)
