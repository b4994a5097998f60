"""Wishes for a piece: whatever a model prefers, the MIDI file that comes out has what was wished for."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import mido
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gen.config import CLOCKS, Clock, SamplingConfig
from gen.errors import ConfigError
from gen.music.events import TIME_SIGNATURES, bar_steps
from gen.music.midi_writer import midi_bytes
from gen.music.score import Note, Score, TimeSignature
from gen.sampler import MusicSampler
from gen.sampler.music_stream import MusicStream
from gen.sampler.music_wishes import opened
from gen.sampler.stream_state import state_of, stream_from
from gen.tokenizers.midi_grammar import MusicGrammar
from gen.tokenizers.midi_rules import MusicRules, met
from tests.sampler.test_music import SAMPLERS, STEADY, WARM, untrained

CLASSES = {"C": 0, "D minor": 2, "F#m": 6, "Bb major": 10}
MANY = {clock: [untrained(clock, seed) for seed in range(4)] for clock in CLOCKS}
clocks = st.sampled_from(CLOCKS)
seeds = st.integers(0, 2**20)


def reread(score: Score) -> mido.MidiFile:
    return mido.MidiFile(file=io.BytesIO(midi_bytes(score).data))


def strikes(file: mido.MidiFile) -> list[tuple[int, int]]:
    """Tick and pitch of each note of a file that no drum plays."""
    found = []
    for track in file.tracks:
        tick = 0
        for message in track:
            tick += message.time
            if message.type == "note_on" and message.velocity and message.channel != 9:
                found.append((tick, message.note))
    return sorted(found)


def ends_on(file: mido.MidiFile, tonic: int) -> bool:
    notes = strikes(file)
    return bool(notes) and all(pitch % 12 == tonic for tick, pitch in notes if tick == notes[-1][0])


Chooser = Callable[[NDArray[np.int64]], int]


def choosers(seed: int) -> dict[str, Chooser]:
    """Ways to choose among the allowed ids, each as stubborn as it can be."""
    draws = np.random.default_rng(seed)

    def by_kind(ids: NDArray[np.int64]) -> int:
        kinds = np.searchsorted([1, 101, 133, 149, 277, 405, 530, 660], ids)
        return int(draws.choice(ids[kinds == draws.choice(np.unique(kinds))]))

    def no_time(ids: NDArray[np.int64]) -> int:
        return int(draws.choice(ids[-9:])) if draws.random() < 0.7 else int(ids[min(len(ids) - 1, 60)])

    return {
        "lowest": lambda ids: int(ids[0]),
        "highest": lambda ids: int(ids[-1]),
        "random": lambda ids: int(draws.choice(ids)),
        "by kind": by_kind,
        "no time": no_time,
    }


def written(sampler: MusicSampler, choose: Chooser, length: int = 3000, **wishes: Any) -> Score | None:
    """What comes of choosing among the allowed ids; None where it has not ended after so many."""
    opening = opened(sampler.tokenizer, met(sampler.checkpoint.provenance), wishes.pop("prompt", None), **wishes)
    grammar, ids = opening.grammar, list[int]()
    boundary = sampler.tokenizer.boundary
    while len(ids) < length:
        allowed = np.flatnonzero(grammar.allowed)
        assert len(allowed), "a dead end"
        if len(ids) > length // 2 and boundary in allowed:
            id = boundary  # it has gone on for long enough
        elif len(ids) > length // 2 and any(0 < it <= sampler.tokenizer.table.steps for it in allowed):
            id = int(allowed[allowed <= sampler.tokenizer.table.steps][-1])
        else:
            id = choose(allowed)
        ids.append(id)
        grammar = grammar.after(id)
        if id == boundary or grammar.over:
            return MusicStream(iter(ids), opening, seed=0, stream=0).score()
    return None


@dataclass(frozen=True)
class NoPitchTwice:
    """A guard: no pitch comes twice running in a track."""

    last: tuple[int, ...] = (-1,) * 16

    def allowed(self, track: int, step: int) -> NDArray[np.bool_]:
        assert step >= 0
        return np.array([pitch != self.last[track] for pitch in range(128)])

    def after(self, track: int, pitch: int, step: int) -> "NoPitchTwice":
        return replace(self, last=(*self.last[:track], pitch, *self.last[track + 1 :]))


@settings(max_examples=40)
@given(clocks, seeds, st.sampled_from(["lowest", "highest", "random", "by kind"]))
def test_a_guard_is_heard_before_each_note(clock: Clock, seed: int, chooser: str) -> None:
    pitches = np.isin(np.arange(128), [60, 61, 62])
    rules = MusicRules.of(SAMPLERS[clock].tokenizer, pitches=pitches, most_tracks=2)
    grammar, ids, choose = MusicGrammar(rules, guard=NoPitchTwice()), list[int](), choosers(seed)[chooser]
    for _ in range(400):
        allowed = np.flatnonzero(grammar.allowed)
        assert len(allowed)
        ids.append(choose(allowed[allowed > 0] if len(allowed) > 1 else allowed))
        grammar = grammar.after(ids[-1])
    notes = SAMPLERS[clock].tokenizer.decode(ids).notes
    for track in range(2):
        line = notes["pitch"][(notes["track"] == track) & ~notes["drum"]]
        assert not np.any(line[1:] == line[:-1])


def test_a_guard_that_leaves_nothing_lets_a_piece_of_given_length_be_silent() -> None:
    class Mute:
        def allowed(self, track: int, step: int) -> NDArray[np.bool_]:
            return np.zeros(128, np.bool_)

        def after(self, track: int, pitch: int, step: int) -> "Mute":
            raise AssertionError("nothing could be struck")

    rules = MusicRules.of(SAMPLERS["seconds"].tokenizer, drums=False, endless=True, max_silence=0.2)
    grammar = MusicGrammar(rules, guard=Mute())
    while grammar.time < 500:
        grammar = grammar.after(int(np.flatnonzero(grammar.allowed)[-1 if grammar.time % 7 else 0]))


@settings(max_examples=25)
@given(seeds, st.sampled_from(TIME_SIGNATURES), st.integers(1, 3))
def test_the_metre_is_said_once_and_bars_are_that_long(seed: int, meter: tuple[int, int], bars: int) -> None:
    sampler = MANY["beats"][seed % 4]
    n, d = meter
    score = sampler.sample(seed=seed, bars=bars, meter=f"{n}/{d}", config=WARM).score
    file = reread(score)
    said = [(it.numerator, it.denominator) for track in file.tracks for it in track if it.type == "time_signature"]
    assert said == [meter]
    assert score.end <= bars * 4 * 480 * n // d


def test_a_metre_that_cannot_be_is_refused() -> None:
    with pytest.raises(ConfigError, match="counts in seconds"):
        SAMPLERS["seconds"].stream(meter="3/4")
    for nonsense in ("0/4", "3/5", "17/4", "waltz"):
        with pytest.raises(ConfigError, match=r"write it as 3/4"):
            SAMPLERS["beats"].stream(meter=nonsense)
    tune = Score.of(480, [TimeSignature(0, 3, 4), *(Note(480 * n, 400, 60 + n, 80) for n in range(6))])
    with pytest.raises(ConfigError, match="the prompt is in 3/4"):
        SAMPLERS["beats"].stream(tune, meter="4/4")
    new = SAMPLERS["beats"].sample(tune, meter="3/4", bars=2, seed=1).score
    assert {(n, d) for _, n, d in new.time_signatures.tolist()} == {(3, 4)}


@settings(max_examples=25)
@given(clocks, seeds, st.integers(30, 800).map(lambda hundredths: hundredths / 100))
@example("beats", 476, 0.48)
def test_a_given_length_is_kept_to_the_tick(clock: Clock, seed: int, seconds: float) -> None:
    """What would sound on ends there; what still sounds at the last step sounds to the end."""
    sampler, settings = MANY[clock][seed % 4], {"seconds": seconds, "seed": seed, "config": WARM, **STEADY[clock]}
    score = sampler.sample(**settings).score
    limit = round(seconds * 2 * score.resolution - 0.4)  # a tick of 120 beats a minute
    latest = score.notes["start"].max(initial=0)
    assert score.end <= max(limit, latest + 1)  # what is struck at the last tick of all lasts one
    assert abs(reread(score).length - score.seconds_long) < 0.3
    longer = sampler.sample(**settings | {"seconds": seconds + 30}).score.notes
    same = longer[: len(score.notes)]
    assert np.array_equal(same[["start", "pitch"]], score.notes[["start", "pitch"]])  # cut there and nowhere else
    ends = np.maximum(np.minimum(longer["start"] + longer["duration"], limit), longer["start"] + 1)
    tones = ~same["drum"]
    assert np.array_equal((score.notes["start"] + score.notes["duration"])[tones], ends[: len(same)][tones])
    assert longer["start"][len(same)] >= limit - sampler.tokenizer.table.ticks


def seconds_of(file: mido.MidiFile) -> float:
    """When the last note of a file ends that no drum plays."""
    tempi, ends = dict[int, int](), [0]
    for track in file.tracks:
        tick = 0
        for message in track:
            tick += message.time
            if message.type == "set_tempo":
                tempi[tick] = message.tempo
            if message.type == "note_off" and message.channel != 9:
                ends.append(tick)
    changes = [*sorted(it for it in tempi if it < max(ends)), max(ends)]
    passed = sum((after - tick) * tempi[tick] for tick, after in pairwise(changes))
    return float(passed / file.ticks_per_beat / 1e6)


def holding(
    sampler: MusicSampler, draws: np.random.Generator, worst: Callable[[NDArray[np.int64]], NDArray[np.int64]]
) -> Chooser:
    """Long notes, and often one of the ids that are the worst for what sounds."""
    table = sampler.tokenizer.table

    def choose(ids: NDArray[np.int64]) -> int:
        lengths, spoiling = ids[(ids >= table.duration) & (ids < table.drum)], worst(ids)
        if len(lengths):
            return int(lengths[-1])
        return int(draws.choice(spoiling if len(spoiling) and draws.random() < 0.7 else ids))

    return choose


@settings(max_examples=120)
@given(
    seeds,
    st.sampled_from([0.5, 1.3, 4.0]),
    st.sampled_from(["lowest", "highest", "random", "by kind", "no time", "held and slowed"]),
    st.booleans(),
)
def test_seconds_are_kept_whatever_the_tempi(seed: int, seconds: float, chooser: str, tonic: bool) -> None:
    """A slower tempo does not come where it would have notes that were written sound beyond the end."""
    sampler, draws = MANY["beats"][seed % 4], np.random.default_rng(seed)

    def slowest_and_fastest(ids: NDArray[np.int64]) -> NDArray[np.int64]:
        tempi = ids[ids >= sampler.tokenizer.table.tempo]
        return tempi[[0, -1]] if len(tempi) else tempi

    choose = {**choosers(seed), "held and slowed": holding(sampler, draws, slowest_and_fastest)}[chooser]
    wishes: dict[str, Any] = {"seconds": seconds}
    score = written(sampler, choose, **wishes | ({"key": "C", "end_on_tonic": True} if tonic else {}))
    assert score is not None
    assert seconds_of(reread(score)) <= seconds + 0.02  # what is struck at the last tick lasts one


@settings(max_examples=120)
@given(
    seeds, st.sampled_from([1, 2, 5]), st.sampled_from(["lowest", "highest", "random", "by kind", "held and shortened"])
)
def test_bars_are_kept_whatever_the_metres(seed: int, bars: int, chooser: str) -> None:
    """A shorter bar does not come where those that are left would end before a note that was written."""
    sampler, draws = MANY["beats"][seed % 4], np.random.default_rng(seed)
    table = sampler.tokenizer.table

    def shortest_and_longest(ids: NDArray[np.int64]) -> NDArray[np.int64]:
        metres = ids[(ids >= table.time_signature) & (ids < table.tempo)]
        lengths = [bar_steps(*TIME_SIGNATURES[it - table.time_signature]) for it in metres]
        return metres[[np.argmin(lengths), np.argmax(lengths)]] if len(metres) else metres

    choose = {**choosers(seed), "held and shortened": holding(sampler, draws, shortest_and_longest)}[chooser]
    score = written(sampler, choose, bars=bars)
    assert score is not None
    metres, end = {time: (n, d) for time, n, d in score.time_signatures.tolist()}, 0
    for _ in range(bars):
        n, d = metres[max(it for it in metres if it <= end)]
        end += 4 * 480 * n // d
    tones = score.notes[~score.notes["drum"]]
    assert int((tones["start"] + tones["duration"]).max(initial=0)) <= end


def test_steps_add_up_to_the_seconds_that_they_are() -> None:
    """0.1 s three times is 0.3 s, in whole numbers."""
    sampler = SAMPLERS["seconds"]
    grammar = opened(sampler.tokenizer, met({}), None, seconds=0.3).grammar
    for _ in range(3):
        assert not grammar.over
        grammar = grammar.after(sampler.tokenizer.table.shift + 9)
    assert grammar.over and Fraction(grammar.passed, 24_000_000) == Fraction(3, 10)


@settings(max_examples=150)
@given(
    clocks,
    seeds,
    st.sampled_from(sorted(CLASSES)),
    st.sampled_from(["lowest", "highest", "random", "by kind", "no time"]),
    st.data(),
)
def test_what_is_struck_last_is_the_tonic_whatever_is_chosen(
    clock: Clock, seed: int, key: str, chooser: str, data: st.DataObject
) -> None:
    wishes: dict[str, Any] = {"key": key, "end_on_tonic": True}
    wishes |= data.draw(st.sampled_from([{}, {"seconds": 0.02}, {"seconds": 1.0}, {"seconds": 4.25}]))
    if clock == "beats":
        wishes |= data.draw(st.sampled_from([{}, {"bars": 1}, {"bars": 3}, {"bars": 2, "meter": "1/16"}]))
        wishes |= data.draw(st.sampled_from([{}, {"bpm": 97.0}, {"meter": "5/8"}]))
    wishes |= data.draw(st.sampled_from([{}, {"pitch_range": "C4:B4"}]))
    wishes |= data.draw(st.sampled_from([{}, {"instruments": "piano"}, {"instruments": "piano, drums"}]))
    if data.draw(st.booleans()):
        wishes["max_silence"] = 0.2
    score = written(MANY[clock][seed % 4], choosers(seed)[chooser], **wishes)
    assert score is not None and ends_on(reread(score), CLASSES[key])


@settings(max_examples=80)
@given(seeds, st.sampled_from([{"bars": 2}, {"bars": 5}, {"seconds": 5.0}, {"bars": 3, "seconds": 4.0}]))
def test_long_tonics_short_bars_and_slow_tempi_do_not_prevent_it(seed: int, bounds: dict[str, Any]) -> None:
    """Who wants to lose the one pitch that may end the piece holds it, and has the end come sooner."""
    sampler, draws = MANY["beats"][0], np.random.default_rng(seed)
    table = sampler.tokenizer.table

    def spoil(ids: NDArray[np.int64]) -> int:
        lengths, metres = ids[(ids >= table.duration) & (ids < table.drum)], ids[ids >= table.time_signature]
        if len(lengths):
            return int(lengths[-1])
        if table.time_signature + TIME_SIGNATURES.index((1, 16)) in metres and draws.random() < 0.5:
            return table.time_signature + TIME_SIGNATURES.index((1, 16))
        if len(metres) and metres[-1] >= table.tempo and draws.random() < 0.7:
            return int(draws.choice(metres[metres >= table.tempo][[0, -1]]))
        if table.pitch + 60 in ids and draws.random() < 0.7:
            return table.pitch + 60
        return int(draws.choice(ids))

    score = written(sampler, spoil, key="C", pitch_range="C4:B4", instruments="piano", end_on_tonic=True, **bounds)
    assert score is not None and ends_on(reread(score), 0)


@settings(max_examples=40)
@given(clocks, seeds, st.sampled_from(sorted(CLASSES)), st.sampled_from([None, 0.5, 3.0]))
def test_samples_end_on_the_tonic(clock: Clock, seed: int, key: str, seconds: float | None) -> None:
    sample = MANY[clock][seed % 4].sample(
        seed=seed, seconds=seconds, key=key, end_on_tonic=True, pitch_range="C3:B4", config=SamplingConfig(top_k=50)
    )
    assert ends_on(reread(sample.score), CLASSES[key])


def test_the_tonic_at_the_end_is_heard_for_a_beat_where_there_is_time() -> None:
    for seed in range(12):
        score = MANY["beats"][0].sample(bars=3, meter="3/4", key="G", end_on_tonic=True, seed=seed, config=WARM).score
        tones = score.notes[~score.notes["drum"]]
        off_tonic = tones["start"][tones["pitch"] % 12 != 7]
        assert off_tonic.max(initial=0) < 8 * 480  # the third beat of the third bar, and what comes after it


def test_a_beam_and_the_best_of_several_end_on_the_tonic() -> None:
    for clock in CLOCKS:
        for found in SAMPLERS[clock].best_of(count=3, seconds=3, key="D minor", end_on_tonic=True, seed=1):
            assert ends_on(reread(found.sample.score), 2)
        beam = SAMPLERS[clock].beam(width=3, seconds=1, key="D minor", end_on_tonic=True)
        for hypothesis in beam.hypotheses():
            assert ends_on(reread(hypothesis.sample.score), 2)


def test_a_stream_with_wishes_goes_on_from_its_state() -> None:
    sampler = SAMPLERS["beats"]
    wishes: dict[str, Any] = {"key": "D minor", "end_on_tonic": True, "meter": "5/8", "bars": 3}
    whole = sampler.sample(seed=4, config=WARM, **wishes).score
    stream = sampler.stream(seed=4, config=WARM, **wishes)
    heard = [next(stream) for _ in range(5)]
    state = json.loads(json.dumps(state_of(sampler, stream)))
    assert Score.of(whole.resolution, [*heard, *stream_from(sampler, state)]) == whole and ends_on(reread(whole), 2)
    for file in ("melody", "pitches", "rhythm", "humanise"):
        with pytest.raises(ConfigError, match="settings of the state"):
            stream_from(sampler, {**state, "settings": {**state["settings"], file: "somebody.mid"}})


def test_endings_that_cannot_be_had_are_refused_with_the_reason() -> None:
    refused: list[tuple[dict[str, Any], str]] = [
        ({}, "needs to know the key"),
        ({"key": "C", "max_tokens": 100}, "ids may run out"),
        ({"key": "C", "pitch_range": "D4:B4"}, "no pitch of the tonic lies in the range"),
        ({"key": "C", "instruments": "drums"}, "nobody plays but drums"),
    ]
    for wishes, reason in refused:
        with pytest.raises(ConfigError, match=reason):
            SAMPLERS["seconds"].stream(end_on_tonic=True, **wishes)
    held = Score.of(500, [Note(0, 10_000, 60, 80), Note(500, 100, 62, 80)])
    wishes = {"key": "C", "pitch_range": "C4:B4", "instruments": "piano", "end_on_tonic": True}
    with pytest.raises(ConfigError, match="sound beyond the end"):
        SAMPLERS["seconds"].stream(held, seconds=2, **wishes)
    assert ends_on(reread(SAMPLERS["seconds"].sample(held, seconds=12, seed=1, **wishes).score), 0)
