"""A stream as a value: what it takes to go on later, exactly, from where it was left.

A stream is a function of its model, its prompt, its settings and (seed, stream), so these and the position are all of
it, however long it is. Going on draws again what has come, in the time that this took, and leaves it out.
"""

import base64
import hashlib
import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypedDict

from gen.config import Medium, SamplingConfig, TextConstraints, require
from gen.config.checks import Settings
from gen.errors import ConfigError

if TYPE_CHECKING:
    from gen.music.score import Score
    from gen.sampler.base import Sampler

FORMAT = 1
_OF_FILES = ("melody", "pitches", "rhythm", "humanise")  # a state of whoever wrote it has no file read


class StreamState(TypedDict):
    """All of a stream, as JSON values.

    Attributes:
        format: of this table.
        medium: of the model.
        model: checksum of the model.
        engine: and precision, which a seed reproduces for.
        prompt: a text; of music a MIDI file in base64, or None.
        seed: of the draws.
        stream: which of the streams under that seed.
        position: ids that have come, of a text; of music, pieces.
        settings: the other arguments that it was made with.
    """

    format: int
    medium: Medium
    model: str
    engine: str
    prompt: str | None
    seed: int
    stream: int
    position: int
    settings: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Given:
    """What a stream was made of, but for its seed.

    Attributes:
        prompt: a text, a score, or None.
        settings: other arguments of `stream`.
    """

    prompt: "str | Score | None"
    settings: Mapping[str, Any]


class Resumable(Protocol):
    """A stream that can be left and gone on with."""

    seed: int
    stream: int
    given: Given | None

    @property
    def position(self) -> int:
        """How far it has come."""

    def skip(self, position: int) -> None:
        """Draw what comes first, up to there, and leave it out."""


def state_of(sampler: "Sampler", stream: Resumable) -> StreamState:
    """The state of a stream of a sampler's.

    Raises:
        ConfigError: it has none: it is a beam, or must not copy a text or has to follow a file: no state holds these.
    """
    if stream.given is None:
        raise ConfigError(
            f"this {type(stream).__name__} has no state to go on from: take a stream without no_copy, melody, "
            "pitches, rhythm and humanise"
        )
    settings = dict(stream.given.settings)
    if settings["config"] is not None:
        settings["config"] = _packed(settings["config"])
    if settings.get("constraints") is not None:
        settings["constraints"] = _as_json(settings["constraints"])
    return {
        "format": FORMAT,
        "medium": sampler.medium,
        "model": _checksum(sampler),
        "engine": sampler.engine,
        "prompt": _written(stream.given.prompt),
        "seed": stream.seed,
        "stream": stream.stream,
        "position": stream.position,
        "settings": settings,
    }


def stream_from(sampler: "Sampler", state: Mapping[str, Any]) -> Any:
    """The stream that a state was made of, where it was then.

    Raises:
        ConfigError: it is no state, or one of another model, engine or precision.
    """
    names = StreamState.__annotations__.keys()
    require(names <= state.keys(), "state", dict(state), f"a table with {', '.join(names)}")
    same = {"format": FORMAT, "medium": sampler.medium, "engine": sampler.engine, "model": _checksum(sampler)}
    for name, ours in same.items():
        require(state[name] == ours, f"{name} of the state", state[name], f"{ours} to go on with it here")
    position, settings = state["position"], state["settings"]
    require(type(position) is int and position >= 0, "position", position, "a whole number, 0 or more")
    known = inspect.signature(sampler.stream).parameters.keys() - {"prompt", "seed", "stream", *_OF_FILES}
    require(isinstance(settings, dict) and settings.keys() <= known, "settings of the state", settings, "of a stream")
    try:
        arguments = {**settings, "config": settings.get("config") and _unpacked(settings["config"])}
        if settings.get("constraints") is not None:
            arguments["constraints"] = TextConstraints.from_dict(settings["constraints"])
        prompt = _read(sampler, state["prompt"])
        stream: Any = sampler.stream(prompt, seed=state["seed"], stream=state["stream"], **arguments)
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # anybody may have written it
        raise ConfigError(f"the state is damaged: {error}") from error
    stream.skip(position)
    return stream


def _checksum(sampler: "Sampler") -> str:
    return hashlib.blake2b(sampler.checkpoint.to_bytes(), digest_size=16).hexdigest()


def _packed(config: SamplingConfig) -> dict[str, Any]:
    """Settings as JSON, which has no infinity."""
    biases = [[id, None if nats == -math.inf else nats] for id, nats in config.logit_bias]
    return _as_json(config) | {"logit_bias": biases}


def _as_json(settings: Settings) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in settings.to_dict().items()}


def _unpacked(values: Mapping[str, Any]) -> SamplingConfig:
    biases = [(id, -math.inf if nats is None else nats) for id, nats in values["logit_bias"]]
    return SamplingConfig.from_dict({**values, "logit_bias": biases})


def _written(prompt: "str | Score | None") -> str | None:
    if prompt is None or isinstance(prompt, str):
        return prompt
    from gen.music.midi_writer import midi_bytes  # it is slow to load

    return base64.b64encode(midi_bytes(prompt).data).decode()


def _read(sampler: "Sampler", prompt: str | None) -> "str | Score | None":
    if prompt is None or sampler.medium == "text":
        return prompt
    from gen.music.midi_reader import read_midi  # so is its parser

    return read_midi(base64.b64decode(prompt), name="the state's prompt").score
