"""Settings: frozen values, checked when they are made, free of torch.

Every message names the setting, the value found and the interval needed.
"""

from typing import Literal, get_args

from gen.config.checks import available_threads, check_epochs, require
from gen.config.classify import ClassifierConfig, ClassifyConfig, Keep, Pooling
from gen.config.constraints import TextConstraints
from gen.config.model import GATES, Cell, ModelConfig
from gen.config.sampling import SAMPLERS, SamplingConfig
from gen.config.train import LATER, Precision, TrainConfig

Medium = Literal["text", "music"]
Clock = Literal["seconds", "beats"]
CLOCKS: tuple[Clock, ...] = get_args(Clock)
"""What time in music is counted in."""

__all__ = [
    "CLOCKS",
    "GATES",
    "LATER",
    "SAMPLERS",
    "Cell",
    "ClassifierConfig",
    "ClassifyConfig",
    "Clock",
    "Keep",
    "Medium",
    "ModelConfig",
    "Pooling",
    "Precision",
    "SamplingConfig",
    "TextConstraints",
    "TrainConfig",
    "available_threads",
    "check_epochs",
    "require",
]
