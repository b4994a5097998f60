"""The one exception tree, and the exit code that each branch ends a command with.

    GenError                 1   anything gen reports on purpose
    ├── ConfigError          2   a value, flag or name that cannot be used
    ├── InputError           3   what was handed in cannot be read
    │   ├── CorpusError          a corpus: missing, empty, too small, changed
    │   ├── TokenizerError       symbols outside the vocabulary
    │   └── MidiError            a MIDI file
    ├── CheckpointError      4   a model file that is damaged or not one
    ├── StorageError         1   the disk refused
    ├── TrainingError        1   training cannot go on
    ├── SamplingError        1   the model's logits are not numbers
    └── MissingExtraError    1   an optional dependency is not installed

A message says what was found, what is needed and what to do, with the values.
`gen.cli.main` is the only place that catches `GenError`.
"""


class GenError(Exception):
    """Base of everything gen raises on purpose.

    Attributes:
        exit_code: what the command line ends with when this reaches it.
    """

    exit_code = 1


class ConfigError(GenError):
    """A setting, flag or name outside what is accepted."""

    exit_code = 2


class InputError(GenError):
    """A document that cannot be read or understood."""

    exit_code = 3


class CorpusError(InputError):
    """A corpus is missing, empty, too small, undecodable or has changed."""


class TokenizerError(InputError):
    """Text or ids that the tokenizer does not know."""


class MidiError(InputError):
    """A MIDI file that cannot be read.

    Args:
        path: the file.
        reason: what is wrong with it.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class CheckpointError(GenError):
    """A model file that is damaged, truncated, hostile or not a model."""

    exit_code = 4


class StorageError(GenError):
    """A write, flush or rename was refused; what stood before still stands."""


class TrainingError(GenError):
    """Training cannot go on (for example, the loss stays non-finite)."""


class SamplingError(GenError):
    """Sampling cannot go on: the model yields logits that are not finite."""


class MissingExtraError(GenError):
    """A feature needs an optional dependency that is not installed."""
