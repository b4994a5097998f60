"""A classifier's file in, classes with probabilities out: what the command line and users share. No torch is loaded."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from gen.checkpoint import ClassifierCheckpoint
from gen.corpus.sequences import Sequences, sequence_of
from gen.engine.classifier_engine import ClassifierEngine, probabilities

_TOGETHER = 64  # documents that are read side by side, alike in length


class Classifier:
    """Names the classes of documents. Immutable, safe to share between threads.

    Args:
        checkpoint: the model.

    Attributes:
        labels: the classes' names.
        tokenizer: of its documents: texts, or scores.
    """

    def __init__(self, checkpoint: ClassifierCheckpoint) -> None:
        self.labels = checkpoint.classifier.labels
        self.tokenizer = checkpoint.tokenizer
        self._config = checkpoint.classifier
        self._engine = ClassifierEngine(checkpoint.model, checkpoint.classifier, checkpoint.weights)

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """The classifier in a file; errors are those of `ClassifierCheckpoint.load`."""
        return cls(ClassifierCheckpoint.load(path))

    def classify(self, documents: Iterable[Any], *, block: int = 256) -> Iterator[NDArray[np.float64]]:
        """The probabilities (C,) of the classes of each document, in order.

        Args:
            documents: texts, or scores; no more than a block of them is held.
            block: how many are read ahead.
        """
        left = iter(documents)
        while some := list(islice(left, block)):
            read = [self.read(document) for document in some]
            yield from self.probabilities(Sequences.of(read, self.tokenizer.dtype))

    def read(self, document: Any) -> NDArray[np.integer[Any]]:
        """What is read of a document: ids."""
        return sequence_of(self.tokenizer, document, length=self._config.length, keep=self._config.keep)

    def probabilities(self, sequences: Sequences) -> NDArray[np.float64]:
        """The probabilities (n, C) of the classes of documents that have been read."""
        found = np.empty((len(sequences), len(self.labels)))
        order = np.argsort(sequences.lengths, kind="stable")
        for begin in range(0, len(order), _TOGETHER):
            rows = order[begin : begin + _TOGETHER]
            found[rows] = probabilities(self._engine.logits(*sequences.padded(rows)))
        return found
