"""What all settings share: how a value is judged, and how they become JSON and come back."""

import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, Self

from gen.errors import ConfigError

_MAX_EPOCHS = 1_000_000
_SHOWN = 200  # characters of a value in a message


def require(condition: bool, name: str, value: object, needed: str) -> None:
    """Raise `ConfigError` unless `condition`: "name is value; it must be needed"."""
    if not condition:
        raise ConfigError(f"{name} is {shown_value(value)}; it must be {needed}")


def shown_value(value: object) -> str:
    """A value as messages print it, of bounded length."""
    try:
        text = repr(value)
    except ValueError:  # Python does not print whole numbers of thousands of digits
        text = "a number of thousands of digits"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def is_whole(value: object) -> bool:
    """Whether it is a whole number."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> bool:
    """Whether it is a finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return -sys.float_info.max <= value <= sys.float_info.max  # false for NaN, and for integers that no float holds


def check_epochs(epochs: float) -> None:
    """Refuse what cannot be a budget in passes over a corpus (`ConfigError`); a recipe makes `steps` of it."""
    sound = is_number(epochs) and 0 < epochs <= _MAX_EPOCHS
    require(sound, "epochs", epochs, f"a number above 0, at most {_MAX_EPOCHS:,}")


def available_threads() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Settings:
    """A frozen value of settings, to JSON and back."""

    def to_dict(self) -> dict[str, Any]:
        """The settings as JSON values."""
        return asdict(self)  # type: ignore[call-overload,no-any-return]

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The settings that `to_dict` wrote (`ConfigError`: one is unknown, missing or out of range)."""
        known = {field.name for field in fields(cls)}  # type: ignore[arg-type]
        for name in values:
            require(name in known, "setting", name, "one of " + ", ".join(sorted(known)))
        try:
            return cls(**values)
        except TypeError as error:  # a required setting is missing
            raise ConfigError(f"{cls.__name__}: {error}") from error
