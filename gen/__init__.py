"""Recurrent networks that learn to write.

The names below are the API. Each is loaded when it is first used, so `import gen` costs nothing and only what trains
loads torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gen.checkpoint import Checkpoint as Checkpoint
    from gen.checkpoint import ClassifierCheckpoint as ClassifierCheckpoint
    from gen.classifier import Classifier as Classifier
    from gen.config import ClassifierConfig as ClassifierConfig
    from gen.config import ClassifyConfig as ClassifyConfig
    from gen.config import ModelConfig as ModelConfig
    from gen.config import SamplingConfig as SamplingConfig
    from gen.config import TextConstraints as TextConstraints
    from gen.config import TrainConfig as TrainConfig
    from gen.corpus import LabelledCorpus as LabelledCorpus
    from gen.corpus import TokenCorpus as TokenCorpus
    from gen.errors import CheckpointError as CheckpointError
    from gen.errors import ConfigError as ConfigError
    from gen.errors import CorpusError as CorpusError
    from gen.errors import GenError as GenError
    from gen.errors import InputError as InputError
    from gen.errors import MidiError as MidiError
    from gen.errors import MissingExtraError as MissingExtraError
    from gen.errors import SamplingError as SamplingError
    from gen.errors import StorageError as StorageError
    from gen.errors import TokenizerError as TokenizerError
    from gen.errors import TrainingError as TrainingError
    from gen.music import Note as Note
    from gen.music import Pedal as Pedal
    from gen.music import Score as Score
    from gen.music import Tempo as Tempo
    from gen.music import TimeSignature as TimeSignature
    from gen.novelty import MusicNovelty as MusicNovelty
    from gen.novelty import TextNovelty as TextNovelty
    from gen.runs import Run as Run
    from gen.sampler import MusicSampler as MusicSampler
    from gen.sampler import Sampler as Sampler
    from gen.sampler import TextSampler as TextSampler
    from gen.training import ClassifierTrainer as ClassifierTrainer
    from gen.training import Trainer as Trainer

__version__ = "0.1.0"

_ROOMS = {
    "gen.checkpoint": ("Checkpoint", "ClassifierCheckpoint"),
    "gen.classifier": ("Classifier",),
    "gen.config": (
        "ClassifierConfig",
        "ClassifyConfig",
        "ModelConfig",
        "SamplingConfig",
        "TextConstraints",
        "TrainConfig",
    ),
    "gen.corpus": ("LabelledCorpus", "TokenCorpus"),
    "gen.errors": (
        "CheckpointError",
        "ConfigError",
        "CorpusError",
        "GenError",
        "InputError",
        "MidiError",
        "MissingExtraError",
        "SamplingError",
        "StorageError",
        "TokenizerError",
        "TrainingError",
    ),
    "gen.music": ("Note", "Pedal", "Score", "Tempo", "TimeSignature"),
    "gen.novelty": ("MusicNovelty", "TextNovelty"),
    "gen.runs": ("Run",),
    "gen.sampler": ("MusicSampler", "Sampler", "TextSampler"),
    "gen.training": ("ClassifierTrainer", "Trainer"),
}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = ["__version__", *_ROOM_OF]

if not TYPE_CHECKING:  # a type checker would read `__getattr__` as a promise that every name exists

    def __getattr__(name: str) -> object:
        if name not in _ROOM_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(_ROOM_OF[name]), name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *_ROOM_OF})
