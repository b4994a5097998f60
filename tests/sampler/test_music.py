"""Music from a model that has learned nothing: valid, reproducible, as long and in such keys as it was asked for."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gen.checkpoint import Checkpoint
from gen.config import CLOCKS, Clock, ModelConfig, SamplingConfig
from gen.errors import ConfigError
from gen.models.initialization import initial_weights
from gen.music.midi_reader import read_midi
from gen.music.midi_writer import midi_bytes
from gen.music.names import parse_key
from gen.music.score import Note, Pedal, Score, Tempo, TimeSignature
from gen.sampler import MusicSampler, Sampler, TextSampler
from gen.tokenizers import MidiTokenizer

WARM = SamplingConfig(temperature=1.0)


def untrained(clock: Clock, seed: int = 0) -> MusicSampler:
    tokenizer = MidiTokenizer(clock)
    model = ModelConfig(vocabulary_size=len(tokenizer.vocabulary), hidden=16, layers=1)
    provenance = {"corpus": {"programs": [0, 40], "tracks": 3, "drums": True}}
    sampler = Sampler.of(Checkpoint(model, tokenizer, initial_weights(model, seed), provenance))
    assert isinstance(sampler, MusicSampler)
    return sampler


SAMPLERS = {clock: untrained(clock) for clock in CLOCKS}
both = pytest.mark.parametrize("clock", CLOCKS)


def tune() -> Score:
    """Four bars of quarters at 120, with a pedal that stays down from the third second on."""
    notes = [Note(480 * n, 400, 60 + n % 5, 80) for n in range(16)]
    return Score.of(480, [*notes, Pedal(6 * 480, 0, True), TimeSignature(0, 4, 4), Tempo(0, 500_000)])


@both
def test_an_untrained_model_writes_valid_music(clock: Clock) -> None:
    for seed in range(5):
        sample = SAMPLERS[clock].sample(seed=seed, seconds=8, config=WARM)
        assert len(sample.score.notes) > 3
        reading = read_midi(midi_bytes(sample.score).data)
        assert len(reading.score.notes) == len(sample.score.notes) and not reading.warnings


@both
def test_a_seed_gives_the_same_bytes_and_streamed_is_whole(clock: Clock) -> None:
    sampler = SAMPLERS[clock]
    stream = sampler.stream(seed=3, seconds=6)
    pieces = list(stream)
    once, again = sampler.sample(seed=3, seconds=6), sampler.sample(seed=3, seconds=6)
    assert midi_bytes(once.score).data == midi_bytes(again.score).data
    assert Score.of(stream.resolution, pieces) == stream.score() == once.score
    assert (stream.finish, stream.tokens) == (once.finish, once.tokens)
    assert midi_bytes(sampler.sample(seed=4, seconds=6).score).data != midi_bytes(once.score).data
    assert [piece.time for piece in pieces] == sorted(piece.time for piece in pieces), "in the order of onsets"


@both
def test_a_longer_piece_begins_with_the_shorter(clock: Clock) -> None:
    def onsets(seconds: float) -> list[tuple[int, int]]:
        notes = SAMPLERS[clock].sample(seed=1, seconds=seconds).score.notes
        return [(int(note["start"]), int(note["pitch"])) for note in notes]

    shorter, longer = onsets(4), onsets(8)
    assert longer[: len(shorter)] == shorter and len(longer) > len(shorter)


def test_threads_sharing_a_sampler_write_what_one_writes() -> None:
    sampler = SAMPLERS["seconds"]
    alone = [sampler.sample(seed=9, stream=k, seconds=2).score for k in range(6)]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda k: sampler.sample(seed=9, stream=k, seconds=2).score, range(6)))
    assert together == alone


# -- how long ---------------------------------------------------------------------------------------------------------


STEADY: dict[Clock, dict[str, Any]] = {"seconds": {}, "beats": {"bpm": 120.0}}
"""By beats, a tempo that changes later makes what sounds already longer or shorter."""


@both
def test_it_lasts_as_long_as_it_was_asked_to(clock: Clock) -> None:
    for seconds in (1.0, 3.5, 10.0):
        sample = SAMPLERS[clock].sample(seed=2, seconds=seconds, **STEADY[clock])
        assert sample.finish == "length"
        assert seconds - 5.5 < sample.score.seconds_long <= seconds + 1e-6  # the silence that is allowed, at most


def test_bars_are_whole_and_as_many_as_were_asked_for() -> None:
    for bars in (1, 3):
        score = SAMPLERS["beats"].sample(seed=5, bars=bars).score
        assert len(score.bar_lines()) <= bars
        signatures = set(score.time_signatures[["numerator", "denominator"]].tolist())
        if len(signatures) == 1:
            ((numerator, denominator),) = signatures
            assert score.end <= bars * score.resolution * 4 * numerator // denominator


@both
def test_a_model_may_end_a_piece_by_itself(clock: Clock) -> None:
    ending = SamplingConfig(temperature=1.0, logit_bias=((0, 12.0),))
    ended = SAMPLERS[clock].sample(seed=1, config=ending)
    assert ended.finish == "end" and 0 < len(ended.score.notes) < 10
    for length in ({"seconds": 6}, {"ignore_end": True}):
        going_on = SAMPLERS[clock].sample(seed=1, config=ending, **length)
        assert going_on.finish == "length" and len(going_on.score.notes) > len(ended.score.notes)


# -- going on from a prompt -------------------------------------------------------------------------------------------


@both
def test_without_the_prompt_the_new_part_begins_at_zero(clock: Clock) -> None:
    sampler = SAMPLERS[clock]
    new = sampler.sample(tune(), at=4.0, seed=1, seconds=5, **STEADY[clock]).score
    kept = sampler.sample(tune(), at=4.0, seed=1, seconds=5, keep_prompt=True, **STEADY[clock]).score
    shift = round(4.0 * 2 * new.resolution)  # four seconds at 120 beats a minute
    assert [(note["start"] + shift, note["pitch"]) for note in new.notes] == [
        (note["start"], note["pitch"]) for note in kept.notes if note["start"] >= shift
    ]
    before = kept.notes[kept.notes["start"] < shift]
    assert np.array_equal(before["pitch"], tune().notes["pitch"][:8]), "the prompt is whole"
    assert new.seconds_long <= 5 + 1e-6


@both
def test_what_the_prompt_leaves_in_force_is_said_again(clock: Clock) -> None:
    played = [piece for piece in tune().pieces() if isinstance(piece, Note | Pedal)]
    waltz = Score.of(480, [*played, TimeSignature(0, 3, 4), Tempo(0, 10**6)])
    new = SAMPLERS[clock].sample(waltz, seed=1, seconds=3).score
    assert new.pedals[0].tolist() == (0, 0, True)
    if clock == "beats":
        assert new.time_signatures[0].tolist()[1:] == (3, 4) and new.tempi["microseconds"][0] == 10**6


@both
def test_a_finished_piece_is_gone_on_with(clock: Clock) -> None:
    ending = SamplingConfig(temperature=1.0, logit_bias=((0, 50.0),))
    assert len(SAMPLERS[clock].sample(tune(), seed=1, seconds=5, config=ending).score.notes) >= 1


def test_a_prompt_may_be_a_file_and_the_band_one_text(tmp_path: Path) -> None:
    (tmp_path / "mine.mid").write_bytes(midi_bytes(tune()).data)
    sampler = SAMPLERS["beats"]
    one = sampler.sample(tmp_path / "mine.mid", seed=1, bars=2, instruments="violin, flute").score
    assert one == sampler.sample(tune(), seed=1, bars=2, instruments=["violin", "flute"]).score


def test_prompts_that_cannot_be_are_refused() -> None:
    sampler = SAMPLERS["seconds"]
    with pytest.raises(ConfigError, match="the prompt has no notes"):
        sampler.sample(Score(480))
    for at in (0.0, -1.0, 99.0):
        with pytest.raises(ConfigError, match=r"from is .* a moment of the prompt, which lasts"):
            sampler.sample(tune(), at=at)


# -- what is asked of it ----------------------------------------------------------------------------------------------


@both
def test_key_range_and_band(clock: Clock) -> None:
    score = (
        SAMPLERS[clock]
        .sample(seed=1, seconds=10, key="D", pitch_range="C3:C6", instruments=["violin", "flute"], config=WARM)
        .score
    )
    assert {int(pitch) % 12 for pitch in score.notes["pitch"]} <= parse_key("D")
    assert score.notes["pitch"].min() >= 48 and score.notes["pitch"].max() <= 84
    assert not score.notes["drum"].any()
    assert set(score.notes["program"][score.notes["track"] == 0]) <= {40}
    assert set(score.notes["program"][score.notes["track"] == 1]) <= {73}
    assert set(score.notes["track"]) <= {0, 1}


def test_drums_are_a_band() -> None:
    assert SAMPLERS["seconds"].sample(seed=1, seconds=5, instruments=["drums"]).score.notes["drum"].all()


def test_the_tempo_is_exactly_what_was_asked_for() -> None:
    score = SAMPLERS["beats"].sample(seed=1, bars=2, bpm=97.0).score
    assert score.tempi.tolist() == [(0, round(60e6 / 97))]
    going_on = SAMPLERS["beats"].sample(tune(), seed=1, bars=2, bpm=97.0).score
    assert going_on.tempi.tolist() == [(0, round(60e6 / 97))]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"seconds": 0}, "seconds"),
        ({"seconds": float("nan")}, "seconds"),
        ({"seconds": 1e12}, "seconds"),
        ({"seconds": "x"}, "seconds"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"seed": -1}, "seed"),
        ({"stream": -1}, "stream"),
        ({"bars": 2}, "bars is 2; this model counts in seconds"),
        ({"bpm": 90.0}, "bpm is 90; this model counts in seconds"),
        ({"key": "H"}, "key"),
        ({"pitch_range": "C6:C3"}, "range"),
        ({"key": "C", "pitch_range": "C#4:C#4"}, "range"),
        ({"instruments": ["kazoo"]}, "kazoo"),
        ({"instruments": ["piano"] * 17}, "instruments"),
        ({"max_silence": 0.0}, "max_silence"),
    ],
)
def test_mistakes_are_named(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        SAMPLERS["seconds"].stream(**wrong)


def test_bars_and_tempi_out_of_range_are_named() -> None:
    for wrong in ({"bars": 0}, {"bpm": 0.0}, {"bpm": 5000.0}):
        with pytest.raises(ConfigError):
            SAMPLERS["beats"].stream(**wrong)


def test_a_model_is_loaded_as_what_it_writes() -> None:
    checkpoint = SAMPLERS["beats"].checkpoint
    assert isinstance(Sampler.of(checkpoint), MusicSampler)
    with pytest.raises(ConfigError, match="this model writes music; TextSampler needs one that writes text"):
        TextSampler.of(checkpoint)


def test_no_more_is_drawn_than_is_asked_for() -> None:
    stream: Iterator[object] = SAMPLERS["seconds"].stream(seed=1, max_tokens=40)
    assert len(list(stream)) < 40
    assert getattr(stream, "tokens", None) == 40
