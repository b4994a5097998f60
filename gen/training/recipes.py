"""From corpus and budget to settings: every choice static, shown, and free to be made by the user instead.

Nothing here imports torch, so the state at step 0 is on the disk a moment after the command was given. The choices
depend on the corpus, the flags and the number of processors alone: the same command makes the same choices again.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from gen.checkpoint import Checkpoint, TrainingState
from gen.config import GATES, Clock, ModelConfig, TrainConfig, available_threads, check_epochs, require
from gen.corpus.batches import steps_per_epoch
from gen.corpus.token_corpus import TokenCorpus
from gen.errors import ConfigError
from gen.models.initialization import initial_weights
from gen.tokenizers import MidiTokenizer

DEFAULT_MINUTES = 5.0
_FLOPS_PER_THREAD = 40e9  # that training gets out of a laptop's core
_RARE = 10  # steps between two validations, at least
_TOKENS_PER_PARAMETER = 4.3  # read in the budget: the size that had learned most when the time was up
_ENOUGH_CHUNKS = 8  # in an epoch; with fewer, batch and chunk shrink
_DROPOUT = ((1.5, 0.05), (3.5, 0.1), (6.0, 0.2), (30.0, 0.3))  # (epochs up to, dropout); above: 0.4
_NGRAM_DROPOUT = ((3.5, 0.3), (10.0, 0.4))  # the same; above: 0.5
_NGRAMS = 5  # the longest: 4 are worse by 0.02 nats after a minute
_TOKENS_PER_ROW = 16  # of the corpus
_FEWEST_ROWS, _MOST_ROWS = 2**10, 2**16  # 16 MB of a model's file
_MANY_SYMBOLS = 16_000  # from here on their two matrices are most of the memory, and of the file: one has to do
_HEARD_ONCE = 1.5  # epochs up to which music is not varied: the original is as new
_ANY_SIZE = 2**62  # tokens, where only the names of the choices matter
_MODEL_SETTINGS = [field.name for field in fields(ModelConfig) if field.name != "vocabulary_size"]
_TRAIN_SETTINGS = [field.name for field in fields(TrainConfig)]


@dataclass(frozen=True, slots=True)
class Choice:
    """A setting that nobody gave, the value taken, and why."""

    name: str
    value: Any
    reason: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """The settings of a run, complete.

    Attributes:
        model: the shape.
        train: how it is trained.
        choices: what of them was chosen.
    """

    model: ModelConfig
    train: TrainConfig
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A run before its first step.

    Attributes:
        checkpoint: initial weights and the training state at step 0.
        choices: what was chosen.
    """

    checkpoint: Checkpoint
    choices: tuple[Choice, ...]


def plan(
    corpus: TokenCorpus,
    *,
    epochs: float | None = None,
    init_from: Checkpoint | None = None,
    **given: Any,
) -> Plan:
    """Complete the settings for `corpus` and draw the initial weights.

    Args:
        corpus: what will be learned; its tokenizer becomes the model's.
        epochs: a budget in passes over the training part, in place of `steps` or `minutes`.
        init_from: a model to start from; its shape is taken over, its weights as far as symbols are shared.
        given: settings of `ModelConfig` and `TrainConfig` that are not to be chosen.

    Raises:
        ConfigError: an unknown setting, a value out of range, or several budgets.
        CorpusError: the corpus is shorter than the batch that was asked for.
    """
    resolved = resolve(corpus, epochs=epochs, init_from=init_from, **given)
    weights = initial_weights(resolved.model, resolved.train.seed)
    provenance: dict[str, Any] = {"corpus": corpus.provenance, "seed": resolved.train.seed}
    if init_from is not None:
        weights = _inherit(weights, init_from, corpus)
        provenance["init_from"] = dict(init_from.provenance)
    state = TrainingState(resolved.train)
    return Plan(Checkpoint(resolved.model, corpus.tokenizer, weights, provenance, state), resolved.choices)


def resolve(
    corpus: TokenCorpus,
    *,
    epochs: float | None = None,
    init_from: Checkpoint | None = None,
    **given: Any,
) -> Resolved:
    """Complete the settings for `corpus`; arguments and errors are those of `plan`."""
    check_settings({**given, "epochs": epochs})
    settings = {name: value for name, value in given.items() if value is not None}
    inherited = {} if init_from is None else _only(_MODEL_SETTINGS, asdict(init_from.model))
    taken_over = [Choice(n, v, "that of the model to start from") for n, v in inherited.items() if n not in settings]
    for name, value in inherited.items():
        if settings.setdefault(name, value) != value:
            raise ConfigError(f"{name} is {settings[name]!r}, but the model to start from has {value!r}: leave it out")
    tokenizer = corpus.tokenizer
    clock = tokenizer.clock if isinstance(tokenizer, MidiTokenizer) else None
    model, train, choices = _complete(corpus.train.size, len(tokenizer.vocabulary), settings, epochs, clock)
    return Resolved(model, train, (*taken_over, *choices))


def recommend(tokens: int, vocabulary_size: int, clock: Clock | None = None) -> Resolved:
    """What `resolve` chooses, nothing being given, for a corpus of which only this is known.

    Args:
        tokens: ids to train on.
        vocabulary_size: V.
        clock: of music; None for text.
    """
    return Resolved(*_complete(tokens, vocabulary_size, {}, None, clock))


def _complete(
    tokens: int, vocabulary_size: int, settings: Mapping[str, Any], epochs: float | None, clock: Clock | None
) -> tuple[ModelConfig, TrainConfig, tuple[Choice, ...]]:
    recipe = _Recipe(tokens, vocabulary_size, settings, epochs, clock)
    model = ModelConfig(vocabulary_size=vocabulary_size, **_only(_MODEL_SETTINGS, recipe.settings))
    return model, TrainConfig(**_only(_TRAIN_SETTINGS, recipe.settings)), tuple(recipe.choices)


def choosable(given: Mapping[str, Any]) -> list[str]:
    """The names of the settings that `resolve` chooses, for any corpus, where `given` (with epochs, if any) are not."""
    return [choice.name for choice in _Recipe(_ANY_SIZE, _ANY_SIZE, given, given.get("epochs"), None).choices]


def check_settings(given: Mapping[str, Any]) -> None:
    """Refuse settings that no corpus could make right, before one is read (`ConfigError`).

    Args:
        given: settings of `ModelConfig` and `TrainConfig`, and epochs. None is not given.
    """
    settings = {name: value for name, value in given.items() if value is not None}
    known = sorted({*_MODEL_SETTINGS, *_TRAIN_SETTINGS, "epochs"})
    for name in settings:
        require(name in known, "setting", name, f"one of {', '.join(known)}")
    budgets = [name for name in ("minutes", "steps", "epochs") if name in settings]
    if len(budgets) > 1:
        raise ConfigError(f"{' and '.join(budgets)} are given; one of minutes, epochs and steps bounds a run")
    if "epochs" in settings:
        check_epochs(settings["epochs"])
    ModelConfig(vocabulary_size=1, **_only(_MODEL_SETTINGS, settings))
    bound = {} if "minutes" in settings else {"steps": 1}
    TrainConfig(**bound | _only(_TRAIN_SETTINGS, settings))


def _only(names: Sequence[str], settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: settings[name] for name in names if name in settings}


class _Recipe:
    """Fills `settings` in, one choice after another, each from the corpus, the budget and the choices before."""

    def __init__(
        self,
        tokens: int,
        vocabulary_size: int,
        settings: Mapping[str, Any],
        epochs: float | None,
        clock: Clock | None,
    ) -> None:
        self.settings = dict(settings)
        self.choices: list[Choice] = []
        self._tokens = tokens
        self._vocabulary_size = vocabulary_size
        self._choose("threads", available_threads(), "processors of this machine")
        self._choose_chunks()
        self._budget(epochs)
        self._choose("cell", "lstm", "learns most in the same time")
        self._choose_size()
        self._choose_ngrams()
        useful = self.settings["layers"] > 1 or self.settings["ngrams"] > 1
        self._choose("residual", useful, "layers learn faster with it" if useful else "one layer has none below")
        many = vocabulary_size >= _MANY_SYMBOLS
        self._choose("tied", many, "halves what many symbols take" if many else "two matrices learn more")
        trained = self._trained_tokens() / self._tokens
        told = f"about {float(f'{trained:.2g}'):,g} epochs"
        dropout = next((rate for limit, rate in _DROPOUT if trained <= limit), 0.4)
        self._choose("dropout", dropout, told)
        if self.settings["ngrams"] > 1:
            dropout = next((rate for limit, rate in _NGRAM_DROPOUT if trained <= limit), 0.5)
            self._choose("ngram_dropout", dropout, told)
            self._choose("ngram_learning_rate", 0.2, "of rows that are met now and then")
        if clock is not None:
            self._choose_augmentation(trained, clock)
        if "steps" in self.settings:
            self._choose("validate_every", max(_RARE, math.ceil(self.settings["steps"] / 10)), "ten times a run")

    def _choose(self, name: str, value: Any, reason: str) -> None:
        if name not in self.settings:
            self.settings[name] = value
            self.choices.append(Choice(name, value, reason))

    def _choose_augmentation(self, epochs: float, clock: Clock) -> None:
        often = epochs > _HEARD_ONCE
        reason = "the same pieces come again" if often else "each piece comes about once"
        self._choose("transpose", 5 if often else 0, reason)
        if clock == "seconds":
            self._choose("stretch", 0.05 if often else 0.0, reason)

    def _choose_chunks(self) -> None:
        batch, length = self.settings.get("batch_size", 32), self.settings.get("sequence_length", 64)
        reason = "a good use of the processor"
        while self._tokens - 1 < _ENOUGH_CHUNKS * batch * length:
            if "batch_size" not in self.settings and batch > (4 if length > 16 else 1):
                batch //= 2
            elif "sequence_length" not in self.settings and length > 8:
                length //= 2
            else:
                break
            reason = f"made small: only {self._tokens:,} tokens to train on"
        self._choose("batch_size", batch, reason)
        self._choose("sequence_length", length, reason)
        self._steps_per_epoch = steps_per_epoch(self._tokens, batch, length)  # raises where not even one fits

    def _budget(self, epochs: float | None) -> None:
        settings = self.settings
        if epochs is not None:
            one = self._steps_per_epoch
            self._choose("steps", max(1, round(epochs * one)), f"{epochs:g} epochs of {one} steps")
        elif "steps" not in settings:
            self._choose("minutes", DEFAULT_MINUTES, "long enough to read something; --minutes sets it")

    def _trained_tokens(self) -> float:
        """Tokens that the budget allows: exact for steps, an estimate for minutes."""
        settings = self.settings
        if "steps" in settings:
            return float(settings["steps"] * settings["batch_size"] * settings["sequence_length"])
        weights = 2 * GATES[settings["cell"]] * settings["layers"] * settings["hidden"] ** 2
        weights += settings["hidden"] * self._vocabulary_size  # of the output
        return float(self._flops() / (6 * weights))

    def _flops(self) -> float:
        return float(60 * self.settings["minutes"] * self.settings["threads"] * _FLOPS_PER_THREAD)

    def _choose_size(self) -> None:
        settings = self.settings
        if "minutes" in settings:
            weights = math.sqrt(self._flops() / 6 / _TOKENS_PER_PARAMETER)
            reason = "learns most in these minutes"
        else:
            weights, reason = 1e6, "a common size"
        if weights > self._tokens * 4:
            weights, reason = self._tokens * 4.0, f"the corpus has only {self._tokens:,} tokens"
        self._choose("layers", 2 if weights < 1.5e6 else 3, reason)
        per_square = 2 * GATES[settings["cell"]] * settings["layers"]
        hidden = round(math.sqrt(weights / per_square) / 64) * 64
        self._choose("hidden", min(1024, max(64, hidden)), reason)

    def _choose_ngrams(self) -> None:
        self._choose("ngrams", _NGRAMS, "what stood just before need not be learned to be remembered")
        if self.settings["ngrams"] > 1:
            wanted = 2 ** math.ceil(math.log2(max(1, self._tokens // _TOKENS_PER_ROW)))
            rows = min(_MOST_ROWS, max(_FEWEST_ROWS, wanted))
            self._choose("ngram_rows", rows, f"for {self._tokens:,} tokens")
            self._choose("ngram_width", 64, "wide enough")


def _inherit(weights: dict[str, Any], source: Checkpoint, corpus: TokenCorpus) -> dict[str, Any]:
    """The source's weights; rows of symbols that it does not know keep their initial values."""
    known = source.tokenizer.vocabulary
    shared = [(new, known.id(s)) for new, s in enumerate(corpus.tokenizer.vocabulary) if s in known]
    rows = tuple(zip(*shared, strict=True))
    kept = list(corpus.tokenizer.vocabulary)[: len(known)] == list(known)
    for name, array in weights.items():
        if name.startswith("encoder."):
            weights[name] = source.weights[name]
        elif name.startswith("ngram"):
            if kept:  # otherwise ids, by which its rows are found, are others
                weights[name] = source.weights[name]
        elif rows:
            array[list(rows[0])] = source.weights[name][list(rows[1])]
    return weights
