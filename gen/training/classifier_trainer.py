"""The training loop of classifiers: batches of whole sequences, alike in length, padded and masked.

`ClassifierTrainer.run()` yields the events that `Trainer.run()` yields; it opens no file and prints nothing. Given the
weights and the optimizer's memory, all that a step does is a function of the settings, the corpus and the step's
number. These, in a `ClassifyingState`, are therefore enough to go on exactly.
"""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gen.checkpoint import ClassifierCheckpoint, ClassifyingState
from gen.corpus.labelled_corpus import LabelledCorpus, LabelledPart
from gen.corpus.sequences import SequenceBatches
from gen.engine.classifier_engine import probabilities
from gen.errors import CheckpointError, TrainingError
from gen.metrics.classification import FIGURES, Classification, measure_classes
from gen.model_file import Tensors
from gen.models.classifier import RecurrentClassifier, class_loss
from gen.progress import (
    ClassifierStarted,
    ClassifierValidated,
    Event,
    Finished,
    Notice,
    StepFinished,
    Validating,
)
from gen.training.classifier_optimizer import ClassifierOptimizer
from gen.training.classifier_recipe import plan_classifier
from gen.training.clock import Clock
from gen.training.device import choose_device, choose_precision
from gen.training.dropout import LockedDropout
from gen.training.rollback import SNAPSHOT_STEPS, is_finite, rolled_back
from gen.training.schedule import rate_factor
from gen.training.versions import versions

_ROWS = 128  # documents that a validation reads side by side


class ClassifierTrainer:
    """Trains one classifier on one labelled corpus.

    Args:
        corpus: what to learn.
        checkpoint: where to begin: weights with a `ClassifyingState`, at step 0 or later.
        best: the best model so far, when a run goes on.

    Attributes:
        config: the settings, with device and precision decided.
        best: the model with the lowest validation loss so far; None before the first validation.
        snapshot: a recent finite state, taken every few steps: what a run writes as its resume file.

    Raises:
        ConfigError: the device does not exist here.
        TrainingError: the checkpoint is a finished model.
    """

    def __init__(
        self, corpus: LabelledCorpus, checkpoint: ClassifierCheckpoint, best: ClassifierCheckpoint | None = None
    ) -> None:
        state = checkpoint.training
        if state is None:
            raise TrainingError("a finished classifier has no training state: train a new one")
        device = choose_device(state.config.device)
        self.config = replace(state.config, device=device, precision=choose_precision(state.config.precision, device))
        self.best = best
        self._corpus = corpus
        self._start = checkpoint
        self._provenance = dict(checkpoint.provenance) | {"versions": versions()}
        self._batches = SequenceBatches(
            corpus.train.sequences.lengths, batch_size=self.config.batch_size, seed=self.config.seed
        )
        self._device = torch.device(device)
        self._bf16 = self.config.precision == "bf16"
        self._dropout = LockedDropout(self.config, self._device)
        self._model = RecurrentClassifier(checkpoint.model, checkpoint.classifier).to(self._device)
        self._clock = Clock(state.seconds)
        self._features: dict[int, Tensor] = {}  # of a frozen encoder, by the part's identity
        self._at: ClassifyingState
        self._restore(checkpoint.weights, state if best is not None else replace(state, best_loss=None))
        self.snapshot = self.checkpoint()

    @classmethod
    def start(cls, corpus: LabelledCorpus, **settings: Any) -> "ClassifierTrainer":
        """A trainer at step 0; `settings` are those of `plan_classifier`, such as `epochs=5`."""
        return cls(corpus, plan_classifier(corpus, **settings).checkpoint)

    @property
    def step(self) -> int:
        """Optimizer steps taken."""
        return self._at.step

    @property
    def finished(self) -> bool:
        """Whether all steps are taken."""
        return self.step >= self.config.steps

    def checkpoint(self) -> ClassifierCheckpoint:
        """The weights as they are, with all that it takes to go on exactly."""
        tensors = {f"optimizer.{name}": array for name, array in self._optimizer.tensors().items()}
        training = replace(self._at, config=self.config, seconds=round(self._clock.seconds(), 3), tensors=tensors)
        return replace(self._start, weights=self._model.weights(), provenance=dict(self._provenance), training=training)

    def run(self) -> Iterator[Event]:
        """Train until all steps are taken. Between two events the state is whole: leave, and go on from it.

        Raises:
            TrainingError: the loss stayed non-finite after the learning rate was halved three times.
        """
        counts = np.bincount(self._corpus.validation.targets)
        yield ClassifierStarted(
            model=self._model.config,
            classifier=self._model.classifier,
            train=self.config,
            step=self.step,
            steps_per_epoch=self._batches.steps_per_epoch,
            weights=sum(parameter.numel() for parameter in self._model.parameters()),
            trained=self._optimizer.trained,
            majority=float(counts.max() / counts.sum()),
        )
        self._clock.start()
        while True:
            if self._at.validated_step != self.step and self._validation_due():
                yield from self._validate()
            if not self._take_snapshot():
                yield self._roll_back()
            if self.finished:
                break
            yield self._train_step() or self._roll_back()
        yield from self._finish()

    # -- one step ----------------------------------------------------------------------------------------------------

    def _train_step(self) -> StepFinished | None:
        """Take one step; None, and nothing is changed, if its loss or gradient is not finite."""
        rows = self._batches.rows(self.step)
        part = self._corpus.train
        targets = torch.from_numpy(part.targets[rows]).to(self._device)
        dropout = self._dropout.at(self.step)
        if self._frozen:
            features = self._all_features(part)[torch.from_numpy(rows).to(self._device)]
            logits: Tensor = self._model.head(dropout.layer(features[None])[0])
        else:
            ids, lengths = self._read(part, rows)
            with self._autocast():
                logits = self._model(ids, lengths, dropout)
        loss = class_loss(logits.float(), targets)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = self._optimizer.clip_gradients()
        value = loss.item()
        if not math.isfinite(value + norm):
            return None
        factor = rate_factor(self.config, self.step / self.config.steps) * self._at.rate_scale
        self._optimizer.step(factor)
        self._at = replace(self._at, step=self.step + 1)
        self._clock.count(int(part.sequences.lengths[rows].sum()))
        spent, progress = self._clock.seconds(), self.step / self.config.steps
        return StepFinished(
            step=self.step,
            progress=progress,
            loss=value,
            learning_rate=self.config.learning_rate * factor,
            tokens_per_second=self._clock.speed(),
            seconds=spent,
            seconds_left=max(0.0, spent / progress - spent),
        )

    @property
    def _frozen(self) -> bool:
        return self.config.freeze or self.config.encoder_rate == 0

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self._device.type, torch.bfloat16, enabled=self._bf16)

    def _read(self, part: LabelledPart, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        ids, lengths = part.sequences.padded(rows)
        return torch.from_numpy(ids).to(self._device), torch.from_numpy(lengths).to(self._device)

    def _all_features(self, part: LabelledPart) -> Tensor:
        """What a frozen encoder makes of all documents of a part: computed once, in fp32."""
        found = self._features.get(id(part))
        if found is None:
            size = self._model.classifier.features(self._model.config)
            found = self._features[id(part)] = torch.zeros(len(part), size, device=self._device)
            with torch.no_grad(), self._clock.pause():
                for rows in _alike(part):
                    found[torch.from_numpy(rows).to(self._device)] = self._model.features(*self._read(part, rows))
        return found

    def _roll_back(self) -> Notice:
        """Go back to the last snapshot, with half the learning rate."""
        state, notice = rolled_back(self.snapshot.training, self._at)
        self._restore(self.snapshot.weights, state)
        return notice

    def _take_snapshot(self) -> bool:
        """Every few steps, copy the state; False if its weights are not finite.

        It comes after the validation of the same step: a run that goes on from here has that behind it.
        """
        if self.step % SNAPSHOT_STEPS == 0:
            if not is_finite(self._model):
                return False
            self.snapshot = self.checkpoint()
        return True

    def _restore(self, weights: Tensors, state: ClassifyingState) -> None:
        """Take weights, optimizer memory and counters as they were."""
        self._model.load_weights(weights)
        self._model.zero_grad(set_to_none=True)
        self._optimizer = ClassifierOptimizer(self._model, self.config)
        kept = {n.removeprefix("optimizer."): a for n, a in state.tensors.items() if n.startswith("optimizer.")}
        try:
            self._optimizer.load(kept)
        except (KeyError, ValueError, RuntimeError) as error:
            raise CheckpointError(f"its training state does not fit the model ({error}): take another copy") from error
        self._at = replace(state, tensors={})

    # -- validation --------------------------------------------------------------------------------------------------

    def _validation_due(self) -> bool:
        every = self.config.validate_every
        return self.finished or (self.step > 0 and every > 0 and self.step % every == 0)

    def _validate(self) -> Iterator[Event]:
        """A pass over the whole validation part, in fp32."""
        part, chosen = self._corpus.validation, []
        logits = np.zeros((len(part), self._model.classifier.outputs), np.float32)
        with self._clock.pause():
            for rows in _alike(part):
                with torch.no_grad():
                    if self._frozen:
                        found = self._model.head(self._all_features(part)[torch.from_numpy(rows).to(self._device)])
                    else:
                        found = self._model(*self._read(part, rows))
                logits[rows] = found.cpu().numpy()
                chosen.append(len(rows))
                yield Validating(sum(chosen) / len(part))
        if not np.isfinite(logits).all():
            self._at = replace(self._at, validated_step=self.step)
            yield ClassifierValidated(self.step, math.nan, False, 0.0)
            return
        found = measure_classes(probabilities(logits), part.targets, self._corpus.labels)
        best = self._at.best_loss is None or found.loss < self._at.best_loss
        self._at = replace(self._at, validated_step=self.step)
        if best:
            self._at = replace(self._at, best_loss=found.loss, best_step=self.step)
            self.best = self._described(found)
        yield ClassifierValidated(self.step, found.loss, best, found.accuracy)

    def _finish(self) -> Iterator[Event]:
        """What the best model was measured to be."""
        self.snapshot = self.checkpoint()
        if self.best is None:
            raise TrainingError("no validation gave a finite loss: begin anew with a lower --learning-rate")
        provenance = dict(self.best.provenance) | {"steps": self.step, "tokens_per_second": round(self._clock.speed())}
        self.best = replace(self.best, provenance=provenance)
        figures: dict[str, Any] = dict(provenance["validation"])
        yield Finished(
            step=self.step,
            loss=figures["loss"],
            tokens=int(self._corpus.validation.sequences.lengths.sum()),
            figures={name: figures[name] for name in FIGURES},
            best_step=self._at.best_step,
            seconds=self._clock.seconds(),
            tokens_per_second=self._clock.speed(),
        )

    def _described(self, found: Classification) -> ClassifierCheckpoint:
        """The model as it is, without the training state, and its figures."""
        provenance = self._provenance | {
            "train": self.config.to_dict(),
            "steps": self.step,
            "validation": {**found.figures(), "documents": found.documents, "step": self.step},
        }
        return replace(self._start, weights=self._model.weights(), provenance=provenance, training=None)


def _alike(part: LabelledPart) -> Iterator[NDArray[np.int64]]:
    """All rows of a part, those of like length together."""
    order = np.argsort(part.sequences.lengths, kind="stable")
    for begin in range(0, len(order), _ROWS):
        yield order[begin : begin + _ROWS]
