"""The training loop: truncated back-propagation through time over streams that carry their state.

`Trainer.run()` yields events; it opens no file and prints nothing. Given the weights, the optimizer's memory and the
recurrent state, all that a step does is a function of the settings, the corpus and the step's number. These, in a
`TrainingState`, are therefore enough to go on exactly.
"""

import math
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from gen.checkpoint import Checkpoint, TrainingState
from gen.config import TrainConfig
from gen.corpus.augmentation import Augmentation
from gen.corpus.batches import StreamBatches
from gen.corpus.token_corpus import TokenCorpus
from gen.engine import LOSS_CHANGE, instruction_sets, int8_loss_change
from gen.errors import CheckpointError, ConfigError, TrainingError
from gen.metrics.ngram import BOUNDED_TRAIN, witten_bell
from gen.metrics.units import figures
from gen.model_file import Tensors
from gen.models.language_model import RecurrentLanguageModel
from gen.models.validation import Validation
from gen.progress import Event, Finished, Notice, Sampled, Started, StepFinished, Validated, Validating
from gen.protocols import RecurrentState
from gen.random import Draws
from gen.tokenizers import MidiTokenizer
from gen.training.budget import Budget
from gen.training.calibration import calibrate
from gen.training.clock import Clock
from gen.training.device import choose_device, choose_precision
from gen.training.dropout import LockedDropout
from gen.training.optimizers import Optimizer
from gen.training.preview import preview_of
from gen.training.recipes import plan
from gen.training.rollback import SNAPSHOT_STEPS, is_finite, rolled_back
from gen.training.schedule import rate_factor
from gen.training.versions import versions

_BASELINES = {"text": (5, "5-gram"), "music": (2, "bigram")}
_ROWS = 32  # stretches that a validation on the way reads side by side
_FINAL_TOKENS = 2**17  # that the last, exact pass reads at most


class Trainer:
    """Trains one model on one corpus.

    Args:
        corpus: what to learn.
        checkpoint: where to begin: weights with a `TrainingState`, at step 0 or later.
        best: the best model so far, when a run goes on.

    Attributes:
        config: the settings, with device and precision decided.
        best: the model with the lowest validation loss so far; None before the first validation.
        snapshot: a recent finite state, taken every few steps: what a run writes as its resume file.

    Raises:
        ConfigError: the device does not exist here.
        CorpusError: the corpus is shorter than one chunk of every stream.
        TrainingError: the checkpoint is a finished model.
    """

    def __init__(self, corpus: TokenCorpus, checkpoint: Checkpoint, best: Checkpoint | None = None) -> None:
        state = checkpoint.training
        if state is None:
            raise TrainingError("a finished model has no training state: begin from it with --init-from")
        device = choose_device(state.config.device)
        self.config = replace(state.config, device=device, precision=choose_precision(state.config.precision, device))
        self.best = best
        self._corpus = corpus
        self._tokenizer = checkpoint.tokenizer
        self._provenance = dict(checkpoint.provenance) | {"versions": versions()}
        self._batches = StreamBatches(
            corpus.train.ids,
            corpus.train.extents,
            batch_size=self.config.batch_size,
            sequence_length=self.config.sequence_length,
            seed=self.config.seed,
            augmentation=_augmentation(corpus, self.config),
        )
        self._device = torch.device(device)
        self._dtype = torch.bfloat16 if self.config.precision == "bf16" else torch.float32
        self._dropout = LockedDropout(self.config, self._device)
        self._model = RecurrentLanguageModel(checkpoint.model).to(self._device)
        self._clock = Clock(state.seconds)
        self._budget = Budget(self.config, self._clock)
        self._final_tokens = min(corpus.validation.size, _FINAL_TOKENS)
        self._at: TrainingState
        self._state: RecurrentState[Tensor]
        self._restore(checkpoint.weights, state if best is not None else replace(state, best_loss=None))
        self.snapshot = self.checkpoint()

    @classmethod
    def start(cls, corpus: TokenCorpus, **settings: Any) -> "Trainer":
        """A trainer at step 0; `settings` are those of `gen.training.recipes.plan`, such as `minutes=1`."""
        return cls(corpus, plan(corpus, **settings).checkpoint)

    @property
    def step(self) -> int:
        """Optimizer steps taken."""
        return self._at.step

    @property
    def finished(self) -> bool:
        """Whether the budget is used up."""
        return self._budget.progress(self.step) >= 1

    def checkpoint(self) -> Checkpoint:
        """The weights as they are, with all that it takes to go on exactly."""
        tensors = {f"optimizer.{name}": array for name, array in self._optimizer.tensors().items()}
        tensors |= {f"state.{i}": array.float().cpu().numpy() for i, array in enumerate(self._state.arrays)}
        training = replace(self._at, config=self.config, seconds=round(self._clock.seconds(), 3), tensors=tensors)
        return Checkpoint(self._model.config, self._tokenizer, self._model.weights(), dict(self._provenance), training)

    def run(self) -> Iterator[Event]:
        """Train until the budget is used up. Between two events the state is whole: leave, and go on from it.

        Raises:
            TrainingError: the loss stayed non-finite after the learning rate was halved three times.
        """
        self._prepare()
        yield Started(
            model=self._model.config,
            train=self.config,
            step=self.step,
            steps=self.config.steps,
            steps_per_epoch=self._batches.steps_per_epoch,
            baseline=self._provenance["baseline"]["nats_per_token"],
            baseline_model=self._provenance["baseline"]["model"].removeprefix("Witten-Bell "),
        )
        self._clock.start()
        while True:
            if self._at.validated_step != self.step and self._budget.validation_due(self.step):
                yield from self._validate()
            if not self._take_snapshot():
                yield self._roll_back()
            if self.finished:
                break
            yield self._train_step() or self._roll_back()
        yield from self._finish()

    def _prepare(self) -> None:
        """The baseline's figure, and the time to keep for the last pass."""
        train, validation = self._corpus.train, self._corpus.validation
        if "baseline" not in self._provenance:
            end = train.read(max(0, train.size - BOUNDED_TRAIN), train.size)
            order, name = _BASELINES[self._tokenizer.medium]
            nats = witten_bell(end, validation.read(0, self._final_tokens), self._model.vocabulary_size, order)
            self._provenance["baseline"] = {"model": f"Witten-Bell {name}", "nats_per_token": nats}
        probe = Validation(self._model, validation.read(0, min(4096, self._final_tokens)))
        seconds = min(_timed(probe) for _ in range(3)) / probe.tokens
        self._final_tokens = self._budget.reserve(self._final_tokens, seconds)

    # -- one step ----------------------------------------------------------------------------------------------------

    def _train_step(self) -> StepFinished | None:
        """Take one step; None, and nothing is changed, if its loss or gradient is not finite."""
        chunk = self._batches.chunk(self.step)
        inputs = torch.from_numpy(chunk.inputs).to(self._device)
        targets = torch.from_numpy(chunk.targets).to(self._device)
        before = self._model.initial_state(self.config.batch_size) if chunk.first else self._state
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._dtype == torch.bfloat16):
            loss, after = self._model.loss(inputs, targets, before, self._dropout.at(self.step))
        loss.backward()  # type: ignore[no-untyped-call]
        norm = self._optimizer.clip_gradients()
        value = loss.item()
        if not math.isfinite(value + norm):
            return None
        factor = rate_factor(self.config, self._budget.progress(self.step)) * self._at.rate_scale
        self._optimizer.step(factor)
        self._state = after.detach()
        self._at = replace(self._at, step=self.step + 1)
        self._clock.count(chunk.inputs.size)
        spent, progress = self._clock.seconds(), self._budget.progress(self.step)
        return StepFinished(
            step=self.step,
            progress=progress,
            loss=value,
            learning_rate=self.config.learning_rate * factor,
            tokens_per_second=self._clock.speed(),
            seconds=spent,
            seconds_left=max(0.0, spent / progress - spent) if progress else math.inf,
        )

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

    def _restore(self, weights: Tensors, state: TrainingState) -> None:
        """Take weights, optimizer memory, recurrent state and counters as they were."""
        self._model.load_weights(weights)
        self._model.zero_grad(set_to_none=True)
        self._optimizer = Optimizer(self._model, self.config)
        kept = {n.removeprefix("optimizer."): a for n, a in state.tensors.items() if n.startswith("optimizer.")}
        self._state = self._model.initial_state(self.config.batch_size)
        try:
            self._optimizer.load(kept)
            if len(state.tensors) > len(kept):
                saved = (torch.tensor(state.tensors[f"state.{i}"]) for i in range(len(self._state.arrays)))
                self._state = RecurrentState(
                    tuple(new.copy_(old) for new, old in zip(self._state.arrays, saved, strict=True))
                )
        except (KeyError, ValueError, RuntimeError) as error:
            raise CheckpointError(f"its training state does not fit the model ({error}): take another copy") from error
        self._at = replace(state, tensors={})

    # -- validation --------------------------------------------------------------------------------------------------

    def _validate(self) -> Iterator[Event]:
        """A quick validation on the way, and a look at what the model writes. Neither touches what training uses."""
        ids = self._corpus.validation.read(0, self._final_tokens)
        validation = Validation(self._model, ids, rows=_ROWS, tokens=self._budget.interim(len(ids)))
        began = time.perf_counter()
        with self._clock.pause():
            for done in validation.run():
                yield Validating(done)
        lowest = self._at.best_loss
        best = math.isfinite(validation.loss) and (lowest is None or validation.loss < lowest)
        self._at = replace(self._at, validated_step=self.step)
        if best:
            self._at = replace(self._at, best_loss=validation.loss, best_step=self.step)
            self.best = self._described(self._model.weights(), validation, "on the way: stretches of the part, fp32")
        yield Validated(self.step, validation.loss, best)
        with self._clock.pause():
            written = Checkpoint(self._model.config, self._tokenizer, self._model.weights(), self._provenance)
            preview = preview_of(written, Draws(self.config.seed, self.step))
        yield Sampled(self.step, preview)
        self._budget.validated(self.step, time.perf_counter() - began)

    def _finish(self) -> Iterator[Event]:
        """The exact figure of the best model: one row, the whole validation part as far as the budget allows."""
        self.snapshot = self.checkpoint()
        if self.best is None:
            raise TrainingError("no validation gave a finite loss: begin anew with a lower --learning-rate")
        model = RecurrentLanguageModel(self._model.config).to(self._device)
        model.load_weights(self.best.weights)
        ids = self._corpus.validation.read(0, self._final_tokens)
        factor = self.best.provenance.get("ngram_factor")
        validation = Validation(model, ids)
        with self._clock.pause():
            if factor is None:  # otherwise the run was over already
                factor = calibrate(model, ids, rows=_ROWS, tokens=self._budget.interim(len(ids)))
            for done in validation.run():
                yield Validating(done)
        best = self._described(model.weights(), validation, "one stateful pass, fp32")
        found: dict[str, Any] = {"ngram_factor": factor}
        if instruction_sets():
            with self._clock.pause():
                found[LOSS_CHANGE] = round(int8_loss_change(best.model, best.weights, ids), 6)
        self.best = replace(best, provenance={**best.provenance, **found})
        yield Finished(
            step=self.step,
            loss=validation.loss,
            tokens=validation.tokens,
            figures=self._figures(validation.loss),
            best_step=self._at.best_step,
            seconds=self._clock.seconds(),
            tokens_per_second=self._clock.speed(),
        )

    def _described(self, weights: Tensors, validation: Validation, protocol: str) -> Checkpoint:
        """The best model, without the training state, and its figures."""
        described = self._figures(validation.loss) | {
            "protocol": protocol,
            "tokens": validation.tokens,
            "step": self._at.best_step,
        }
        provenance = self._provenance | {
            "train": self.config.to_dict(),
            "steps": self.step,
            "tokens_per_second": round(self._clock.speed()),
            "validation": described,
        }
        return Checkpoint(self._model.config, self._tokenizer, weights, provenance)

    def _figures(self, nats_per_token: float) -> dict[str, Any]:
        return figures(nats_per_token, self._corpus.validation.extent)


def _augmentation(corpus: TokenCorpus, config: TrainConfig) -> Augmentation | None:
    """What varies the pieces of music, if any is to be."""
    if not config.transpose and not config.stretch:
        return None
    if not isinstance(corpus.tokenizer, MidiTokenizer):
        raise ConfigError(f"transpose is {config.transpose} and stretch {config.stretch}: for text they must be 0")
    return Augmentation(
        corpus.tokenizer,
        corpus.train.ids,
        corpus.train.extents,
        transpose=config.transpose,
        stretch=config.stretch,
        seed=config.seed,
    )


def _timed(validation: Validation) -> float:
    """The seconds that a pass takes."""
    began = time.perf_counter()
    for _ in validation.run():
        pass
    return time.perf_counter() - began
