"""A stream that was saved goes on exactly as if it had not been left."""

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gen.checkpoint import Checkpoint
from gen.config import CLOCKS, Clock, ModelConfig, SamplingConfig
from gen.errors import ConfigError
from gen.models.initialization import initial_weights
from gen.music.midi_writer import midi_bytes
from gen.music.score import Note, Pedal, Score, Tempo, TimeSignature
from gen.sampler import MusicSampler, Sampler, TextSampler
from gen.tokenizers import CharTokenizer, MidiTokenizer

if TYPE_CHECKING:
    from gen.tokenizers import AnyTokenizer


def small(tokenizer: "AnyTokenizer", seed: int = 0) -> Checkpoint:
    model = ModelConfig(vocabulary_size=len(tokenizer.vocabulary), hidden=8, layers=1)
    return Checkpoint(model, tokenizer, initial_weights(model, seed), {"corpus": {"drums": True}})


TEXT = TextSampler(small(CharTokenizer("\nabc", boundary=True)))
MUSIC = {clock: MusicSampler(small(MidiTokenizer(clock))) for clock in CLOCKS}


def tune() -> Score:
    notes = [Note(480 * n, 400, 60 + n % 5, 80) for n in range(16)]
    return Score.of(480, [*notes, Pedal(6 * 480, 0, True), TimeSignature(0, 3, 4), Tempo(0, 400_000)])


def through_json(state: Mapping[str, Any]) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(json.dumps(state, allow_nan=False))
    return read


configs = st.sampled_from(
    [
        None,
        SamplingConfig(temperature=0.0, dry_multiplier=1.0, dry_allowed_length=2),
        SamplingConfig(temperature=0.5, temperature_end=2.0, temperature_over=30, repeat_penalty=1.2),
        SamplingConfig(dry_multiplier=1.0, dry_allowed_length=1, dry_sequence_breakers=(1,)),
        SamplingConfig(logit_bias=((0, -np.inf), (2, 0.5)), samplers=("temperature", "top-p"), top_p=0.9),
    ]
)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(
    config=configs,
    taken=st.integers(0, 12),
    n=st.none() | st.integers(1, 300),
    stop=st.lists(st.text("abc", min_size=1, max_size=4), max_size=3),
    ignore_end=st.booleans(),
    prompt=st.text("abc\n", max_size=5),
)
def test_a_text_goes_on_where_it_was(
    config: SamplingConfig | None, taken: int, n: int | None, stop: list[str], ignore_end: bool, prompt: str
) -> None:
    stream = TEXT.stream(prompt, n=n, max_tokens=300, config=config, seed=5, stop=stop, ignore_end=ignore_end, stream=2)
    begun = "".join(islice(stream, taken))
    other = TEXT.from_state(through_json(TEXT.state(stream)))
    assert (other.prompt, other.seed, other.stream, other.tokens) == (prompt, 5, 2, stream.tokens)
    assert TEXT.state(other) == TEXT.state(stream)
    rest = "".join(stream)
    assert "".join(other) == rest
    assert (other.finish, other.tokens) == (stream.finish, stream.tokens)
    whole = TEXT.sample(prompt, n=n, max_tokens=300, config=config, seed=5, stop=stop, ignore_end=ignore_end, stream=2)
    assert begun + rest == whole.text


def test_one_of_several_streams_has_a_state() -> None:
    streams = TEXT.streams("ab", streams=range(3), seed=1, n=1000, ignore_end=True)
    assert len(list(islice(streams[1], 3))) == 3
    other = TEXT.from_state(TEXT.state(streams[1]))
    assert "".join(other) == "".join(streams[1])


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize("taken", [0, 1, 5, 1000])
def test_music_goes_on_where_it_was(clock: Clock, taken: int, tmp_path: Path) -> None:
    sampler, path = MUSIC[clock], tmp_path / "tune.mid"
    for prompt, wishes in (
        (None, {"key": "C", "instruments": ["violin", "drums"], "config": SamplingConfig(temperature=0.9)}),
        (path, {"at": 2.0, "keep_prompt": True, "pitch_range": "C3:C6"}),
    ):
        path.write_bytes(midi_bytes(tune()).data)
        stream = sampler.stream(prompt, seed=3, seconds=4, **wishes)  # type: ignore[arg-type]
        begun = list(islice(stream, taken))
        state = through_json(sampler.state(stream))
        path.unlink()
        other = sampler.from_state(state)
        assert other.position == len(begun)
        assert other.so_far() == stream.so_far()
        assert list(other) == list(stream)
        assert other.score() == stream.score() and (other.finish, other.tokens) == (stream.finish, stream.tokens)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("seed"), "state is {.*it must be a table with format, medium, model, engine"),
        (lambda state: state.update(format=2), "format of the state is 2; it must be 1 to go on"),
        (lambda state: state.update(medium="music"), "medium of the state is 'music'; it must be text"),
        (lambda state: state.update(model="x"), "model of the state is 'x'; it must be"),
        (lambda state: state.update(engine="abacus"), "engine of the state is 'abacus'; it must be"),
        (lambda state: state.update(position=-1), "position is -1; it must be a whole number, 0 or more"),
        (lambda state: state.update(position=True), "position is True"),
        (lambda state: state.update(settings=[]), "settings of the state is"),
        (lambda state: state["settings"].update(tempo=3), "settings of the state is"),
        (lambda state: state["settings"].update(n="many"), "the state is damaged"),
        (lambda state: state["settings"].update(config={"top_k": 1}), "the state is damaged"),
        (lambda state: state["settings"].update(config=7), "the state is damaged"),
        (lambda state: state.update(seed=-1), "seed is -1"),
        (lambda state: state.update(prompt=3), "the state is damaged"),
    ],
)
def test_what_is_no_state_is_refused(change: Callable[[dict[str, Any]], object], message: str) -> None:
    state = through_json(TEXT.state(TEXT.stream("ab", seed=1, config=SamplingConfig())))
    change(state)
    with pytest.raises(ConfigError, match=message):
        TEXT.from_state(state)


def test_a_state_is_of_one_model() -> None:
    state = TEXT.state(TEXT.stream(seed=1))
    other = TextSampler(small(TEXT.tokenizer, seed=1))
    with pytest.raises(ConfigError, match="model of the state"):
        other.from_state(state)
    again = TextSampler(replace(TEXT.checkpoint))
    assert "".join(again.from_state(state)) == TEXT.sample(seed=1).text


def test_a_beam_has_no_state() -> None:
    with pytest.raises(ConfigError, match="this TextBeam has no state"):
        TEXT.state(TEXT.beam("ab", width=2, n=10, seed=1))


# ── Settings by symbols ──────────────────────────────────────────────────────────────────────────────────────────────


def test_settings_may_name_symbols() -> None:
    config = TEXT.config(temperature=0.5, logit_bias={"a": -np.inf}, dry_sequence_breakers=["b", "\n"])
    assert config == SamplingConfig(temperature=0.5, logit_bias=((2, -np.inf),), dry_sequence_breakers=(3, 1))
    assert TEXT.config().dry_sequence_breakers == (1,), "the end of a line is all that it has of those"
    assert MUSIC["beats"].config(top_k=3) == SamplingConfig.for_medium("music", top_k=3)
    with pytest.raises(ConfigError, match="setting is 'tempo'"):
        TEXT.config(tempo=3)


# ── Many threads ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("sampler", [TEXT, MUSIC["seconds"]], ids=["text", "music"])
def test_32_threads_sharing_a_sampler_give_what_one_gives(sampler: Sampler) -> None:
    def written(number: int) -> tuple[Any, ...]:
        config = SamplingConfig(dry_multiplier=1.0, dry_allowed_length=2) if number % 3 else None
        stream: Any = sampler.stream(seed=9, stream=number, max_tokens=60, config=config)
        begun = list(islice(stream, number % 4))
        whole = [*begun, *sampler.from_state(sampler.state(stream))]  # of a text cut anywhere: blocks go by the clock
        document = "abcab\n" * (number + 1) if sampler is TEXT else tune()
        return "".join(whole) if sampler is TEXT else whole, sampler.score(document).tolist()

    alone = [written(number) for number in range(32)]
    with ThreadPoolExecutor(32) as pool:
        assert list(pool.map(written, range(32))) == alone
    assert len({str(it) for it in alone}) == 32
