"""Settings from several places: what each is called, what it may be, and who gave it.

A setting is called section.name: model.hidden, train.minutes, sampling.top_p. Its value is that of the highest source
that gives one: a flag, -S, an environment variable, a TOML file. What nobody gives is left to the recipe, or to the
defaults of `gen.config`, which also judges every value.
"""

import difflib
import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_type_hints

from gen.config import (
    SAMPLERS,
    ClassifierConfig,
    ClassifyConfig,
    ModelConfig,
    SamplingConfig,
    TrainConfig,
    check_epochs,
    require,
)
from gen.corpus.documents import ReadingOptions
from gen.errors import ConfigError

_CONFIGS = {
    "model": ModelConfig,
    "train": TrainConfig,
    "corpus": ReadingOptions,
    "classifier": ClassifierConfig,
    "classify": ClassifyConfig,
    "sampling": SamplingConfig,
}
SECTIONS = tuple(_CONFIGS)
_BUDGETS = (  # of each, one bounds a run, in place of the others
    {"train.minutes", "train.steps", "train.epochs"},
    {"classify.steps", "classify.epochs"},
)
_OF_THE_CORPUS = ("vocabulary_size", "labels")  # which it sets
_MAX_FILE = 2**20  # bytes; what is larger was named by mistake


@dataclass(frozen=True, slots=True)
class Setting:
    """Something that can be set.

    Attributes:
        section: the table that it stands in.
        name: what it is called there.
        kind: of its values: bool, int, float, str, list or dict.
        default: what it is if neither a user nor the recipe says otherwise; None is nothing.
    """

    section: str
    name: str
    kind: type
    default: Any

    @property
    def key(self) -> str:
        """Its full name."""
        return f"{self.section}.{self.name}"

    @property
    def variable(self) -> str:
        """The environment variable that gives it."""
        return f"GEN_{self.section}_{self.name}".upper()

    def checked(self, value: Any) -> Any:
        """`value`, if its config accepts it; whole numbers become floats where floats are meant.

        Raises:
            ConfigError: it does not; the message begins with the setting's name.
        """
        match self.section, self.name:
            case "model", name:
                ModelConfig(vocabulary_size=1, **{name: value})
            case "train" | "classify", "epochs":
                check_epochs(value)
            case "classifier", name:
                ClassifierConfig(**{"labels": ("a", "b")} | {name: value})
            case "classify", name:
                ClassifyConfig(**{"steps": 1} | {name: value})
            case "train", name:
                TrainConfig(**({} if name == "minutes" else {"steps": 1}) | {name: value})
            case "corpus", name:
                ReadingOptions(**{name: value})
            case "sampling", "logit_bias":
                return _checked_biases(value)
            case "sampling", "dry_sequence_breakers":
                sound = isinstance(value, list) and all(isinstance(symbol, str) for symbol in value)
                require(sound, "dry_sequence_breakers", value, 'a list of symbols, such as ["\\n", ":"]')
            case "sampling", name:
                SamplingConfig(**{name: value})
        return float(value) if self.kind is float else value


def _checked_biases(value: Any) -> dict[str, float]:
    """Biases by symbol: only a model knows the ids."""
    require(isinstance(value, dict), "logit_bias", value, "a table of symbols and nats, such as {e = -inf}")
    SamplingConfig(logit_bias=tuple((0, bias) for bias in value.values()))
    return {symbol: float(bias) for symbol, bias in value.items()}


def _settings() -> Iterator[Setting]:
    for section, config in _CONFIGS.items():
        hints = get_type_hints(config)
        for field in fields(config):
            if field.name == "logit_bias":
                yield Setting(section, field.name, dict, {})
            elif field.name == "dry_sequence_breakers":  # symbols, as of biases
                yield Setting(section, field.name, list, None)
            elif field.name == "samplers":  # a text with commas, as the flag
                yield Setting(section, field.name, str, ", ".join(SAMPLERS))
            elif field.name not in _OF_THE_CORPUS:
                default = None if field.default is MISSING else field.default
                yield Setting(section, field.name, _kind(hints[field.name]), default)
        if config in (TrainConfig, ClassifyConfig):
            yield Setting(section, "epochs", float, None)  # which become steps when the corpus is known


def _kind(hint: Any) -> type:
    """The type of a field's values: of `float | None` it is float, of a Literal that of its choices."""
    first = next((choice for choice in get_args(hint) if choice is not NoneType), hint)
    return first if isinstance(first, type) else type(first)


SETTINGS: Mapping[str, Setting] = {setting.key: setting for setting in _settings()}
"""All settings by their full names, section by section."""


@dataclass(frozen=True, slots=True)
class Given:
    """A value and where it comes from, in words: "file run.toml", "flag --hidden", "default"."""

    value: Any
    origin: str


def give(key: str, value: Any, origin: str) -> Given:
    """The value of setting `key`, checked.

    Raises:
        ConfigError: no such setting, or not a value for it; the message begins with the origin.
    """
    if key not in SETTINGS:
        raise ConfigError(f"{origin}: there is no setting {key}: {_hint(key)}")
    setting = SETTINGS[key]
    try:
        return Given(setting.checked(value), origin)
    except ConfigError as error:
        raise ConfigError(f"{origin}: {setting.section}.{error}") from error


def from_file(path: str | Path) -> dict[str, Given]:
    """What a TOML file gives: a table for each section.

    Raises:
        ConfigError: it cannot be read, is not TOML, or holds what is no setting.
    """
    origin = f"file {path}"
    found = {}
    for section, table in _toml(path).items():
        if not isinstance(table, dict):
            raise ConfigError(f"{origin}: {section} stands outside of a section: {_hint(section)}")
        if section not in SECTIONS and not table:
            raise ConfigError(f"{origin}: there is no section {section}: take one of {', '.join(SECTIONS)}")
        for name, value in table.items():
            found[f"{section}.{name}"] = give(f"{section}.{name}", value, origin)
    return found


def from_environment(environment: Mapping[str, str]) -> dict[str, Given]:
    """What variables such as GEN_MODEL_HIDDEN give. An empty one gives nothing.

    Raises:
        ConfigError: one begins with GEN_ and a section, but is no setting, or its value is not one for it.
    """
    keys = {setting.variable: key for key, setting in SETTINGS.items()}
    prefixes = tuple(f"GEN_{section.upper()}_" for section in SECTIONS)
    found = {}
    for variable, text in environment.items():
        if not variable.startswith(prefixes) or not text:
            continue
        origin = f"environment {variable}"
        if variable not in keys:
            near = difflib.get_close_matches(variable, keys, n=1)
            raise ConfigError(f"{origin}: there is no such setting: {_did_you_mean(near)}")
        found[keys[variable]] = give(keys[variable], _parsed(text, keys[variable]), origin)
    return found


def from_assignments(assignments: Iterable[str]) -> dict[str, Given]:
    """What "model.hidden=512" and the like give; of two for the same setting, the last.

    Raises:
        ConfigError: one is not of this form, names no setting, or its value is not one for it.
    """
    found = {}
    for assignment in assignments:
        key, equals, text = (part.strip() for part in assignment.partition("="))
        if not equals:
            raise ConfigError(f"-S is {assignment!r}; it must be SECTION.NAME=VALUE, such as model.hidden=512")
        found[key] = give(key, _parsed(text, key), "-S")
    return found


def merge(*sources: Mapping[str, Given]) -> dict[str, Given]:
    """What all `sources` give, from the lowest to the highest.

    Minutes, steps and epochs exclude each other, so any of them takes the place of all of them in lower sources.
    """
    merged: dict[str, Given] = {}
    for source in sources:
        for budgets in _BUDGETS:
            if not budgets.isdisjoint(source):
                merged = {key: given for key, given in merged.items() if key not in budgets}
        merged |= source
    return merged


def values(given: Mapping[str, Given], *sections: str) -> dict[str, Any]:
    """Name -> value of what was given in `sections`."""
    return {SETTINGS[key].name: it.value for key, it in given.items() if SETTINGS[key].section in sections}


def toml(value: Any) -> str:
    """A setting's value as TOML, on one line and safe to print."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            quoted = json.dumps(value, ensure_ascii=False)  # TOML's escapes are JSON's, but for \U
            return "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in quoted)
        case list():
            return "[" + ", ".join(map(toml, value)) + "]"
        case dict():
            return "{" + ", ".join(f"{toml(name)} = {toml(entry)}" for name, entry in value.items()) + "}"
        case _:
            return repr(value)


def _toml(path: str | Path) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            data = file.read(_MAX_FILE + 1)
    except (OSError, ValueError) as error:  # a name with NUL is a ValueError
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"{path}: cannot read the settings ({reason}): check the path") from error
    if len(data) > _MAX_FILE:
        raise ConfigError(f"{path}: more than {_MAX_FILE:,} bytes: name a TOML file of settings")
    try:
        text = data.decode("utf-8-sig")
        return tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}: not UTF-8 at line {line}: save it as UTF-8") from error
    except (ValueError, RecursionError) as error:
        reason = str(error).replace("end of document", f"its end, line {len(text.splitlines())}")
        raise ConfigError(f"{path}: not TOML: {reason}") from error


def _parsed(text: str, key: str) -> Any:
    """The TOML value that `text` is. What is none, such as a bare word, stands for itself, and so it does for text."""
    try:
        table = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    meant_as_text = key in SETTINGS and SETTINGS[key].kind is str and not isinstance(table["value"], str)
    return text if meant_as_text or len(table) > 1 else table["value"]


def _hint(key: str) -> str:
    """The settings whose names begin with, or are like, that of `key`: of its section, if there are any."""
    section, _, name = key.rpartition(".")
    known = [setting.name for setting in SETTINGS.values()]
    names = [it for it in known if name and it.startswith(name)] or difflib.get_close_matches(name, known, n=1)
    found = [setting for setting in SETTINGS.values() if setting.name in names]
    return _did_you_mean([it.key for it in [it for it in found if it.section == section] or found])


def _did_you_mean(near: list[str]) -> str:
    return f"did you mean {' or '.join(near)}?" if near else "'gen config show' lists them all"
