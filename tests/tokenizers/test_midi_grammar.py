"""Whatever is chosen under the grammar is one well-spelled piece, and keeps the rules that were asked for."""

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gen.config import CLOCKS, Clock
from gen.errors import ConfigError
from gen.music.events import bar_steps, tempo_of
from gen.music.names import parse_key
from gen.music.score import Score
from gen.tokenizers import MidiTokenizer
from gen.tokenizers.midi_grammar import MusicGrammar
from gen.tokenizers.midi_rules import MusicRules, met
from tests.music.strategies import scores

TOKENIZERS: dict[Clock, MidiTokenizer] = {clock: MidiTokenizer(clock) for clock in CLOCKS}
clocks = st.sampled_from(CLOCKS)
seeds = st.integers(0, 2**32 - 1)


def written(rules: MusicRules, seed: int, length: int = 400) -> list[int]:
    """Ids chosen at random among the allowed ones, all kinds of event alike, up to the last whole event."""
    draws = np.random.default_rng(seed)
    table = rules.table
    borders = [table.shift, table.velocity, table.track, table.program, table.pitch, table.duration, table.drum]
    borders += [table.pedal_on, table.bar]
    grammar, ids, whole = MusicGrammar(rules), list[int](), 0
    while len(ids) < length:
        allowed = np.flatnonzero(grammar.allowed)
        assert len(allowed), "the grammar leaves nothing"
        allowed = allowed[allowed > 0] if len(allowed) > 1 else allowed
        kinds = np.searchsorted(borders, allowed, side="right")
        kind = draws.choice(np.unique(kinds))
        id = int(draws.choice(allowed[kinds == kind]))
        if id == table.boundary:
            break
        ids.append(id)
        grammar = grammar.after(id)
        if table.duration <= id < table.pedal_on:  # a note or a hit is complete
            whole = len(ids)
    return ids[:whole]


def rules(clock: Clock, max_silence: float = 5.0, **given: Any) -> MusicRules:
    return MusicRules.of(TOKENIZERS[clock], max_silence=max_silence, **given)


def score_of(clock: Clock, ids: list[int]) -> Score:
    return TOKENIZERS[clock].decode(ids)


@settings(max_examples=60)
@given(clocks, seeds)
def test_what_is_written_is_the_one_spelling_of_what_it_says(clock: Clock, seed: int) -> None:
    ids = written(rules(clock), seed)
    score = score_of(clock, ids)
    again = TOKENIZERS[clock].encode(score).tolist()
    if not len(score.pedals):  # of tracks without a note, pedals say nothing; and they are lifted in the end
        assert again == ids
    assert len(score.notes) == int(TOKENIZERS[clock].units[ids].sum())


@settings(max_examples=60)
@given(clocks, scores())
def test_every_piece_that_is_encoded_is_allowed(clock: Clock, score: Score) -> None:
    grammar = MusicGrammar(rules(clock, max_silence=86_400.0))
    signatures = score.time_signatures
    if clock == "beats" and len(signatures):  # one that begins in the middle of a bar is nothing to write by oneself
        return
    lifted = grammar.rules.table.pedal_off
    for id in TOKENIZERS[clock].encode(score).tolist():
        assert grammar.allowed[id] or id == lifted, TOKENIZERS[clock].vocabulary.symbol(id)
        grammar = grammar.after(id)


@given(clocks, seeds)
@settings(max_examples=30)
def test_notes_never_overlap_in_their_track(clock: Clock, seed: int) -> None:
    notes = score_of(clock, written(rules(clock), seed)).notes
    melodic = np.sort(notes[~notes["drum"]], order=["track", "pitch", "start"])
    same = (melodic["track"][1:] == melodic["track"][:-1]) & (melodic["pitch"][1:] == melodic["pitch"][:-1])
    assert np.all((melodic["start"] + melodic["duration"])[:-1][same] <= melodic["start"][1:][same])


@settings(max_examples=30)
@given(clocks, seeds, st.sampled_from([0.1, 0.5, 2.0]))
@example("beats", 768, 0.1)  # a drum, and the longest silence after it
def test_it_is_not_silent_for_longer_than_it_may(clock: Clock, seed: int, max_silence: float) -> None:
    asked = rules(clock, max_silence)
    notes = score_of(clock, written(asked, seed)).notes
    lengths = np.where(notes["drum"], asked.table.ticks, notes["duration"])  # a drum is heard for a step
    gaps = notes["start"][1:] - np.maximum.accumulate(notes["start"] + lengths)[:-1]
    assert np.all(gaps <= asked.silence * asked.table.ticks)


@settings(max_examples=30)
@given(clocks, seeds)
def test_pitches_are_those_that_are_asked_for(clock: Clock, seed: int) -> None:
    pitches = np.array([pitch % 12 in parse_key("D minor") and 50 <= pitch <= 70 for pitch in range(128)])
    notes = score_of(clock, written(rules(clock, pitches=pitches), seed)).notes
    assert np.all(pitches[notes["pitch"][~notes["drum"]]])


@settings(max_examples=30)
@given(clocks, seeds)
def test_one_pitch_alone_still_makes_music(clock: Clock, seed: int) -> None:
    notes = score_of(clock, written(rules(clock, pitches=np.arange(128) == 60, programs=(0,), drums=False), seed)).notes
    assert len(notes) > 5 and set(notes["pitch"]) == {60} and set(notes["track"]) == {0}


@settings(max_examples=30)
@given(clocks, seeds)
def test_the_band_is_the_one_that_was_asked_for(clock: Clock, seed: int) -> None:
    asked = rules(clock, programs=(40, 73), known=frozenset({40}), drums=False)
    notes = score_of(clock, written(asked, seed)).notes
    assert not notes["drum"].any() and set(notes["track"]) <= {0, 1}
    assert set(notes["program"][notes["track"] == 0]) <= {40}, "the model is told of instruments that it has met"
    assert set(notes["program"][notes["track"] == 1]) <= {0}, "and of no others"


@settings(max_examples=20)
@given(clocks, seeds)
def test_a_model_is_kept_to_what_it_has_met(clock: Clock, seed: int) -> None:
    asked = rules(clock, **met({"corpus": {"programs": [0, 24], "tracks": 3, "drums": False}}))
    notes = score_of(clock, written(asked, seed)).notes
    assert set(notes["program"]) <= {0, 24} and set(notes["track"]) <= {0, 1, 2} and not notes["drum"].any()
    unsound: list[dict[str, Any]] = [{}, {"corpus": []}, {"corpus": {"programs": 7, "tracks": "x", "drums": None}}]
    for record in unsound:
        assert rules(clock, **met(record)).tracks == 16, "where nothing sound is on record, it may do all"


@settings(max_examples=20)
@given(seeds)
def test_drums_alone(seed: int) -> None:
    assert score_of("seconds", written(rules("seconds", programs=(), drums=True), seed)).notes["drum"].all()


@settings(max_examples=20)
@given(seeds)
def test_bar_lines_stand_where_the_time_signature_puts_them(seed: int) -> None:
    ids = written(rules("beats"), seed)
    score = score_of("beats", ids)
    table = TOKENIZERS["beats"].table
    assert ids[0] == table.bar and score.time_signatures["time"][0] == score.tempi["time"][0] == 0
    lines, time = [], 0
    for id in ids:
        if table.shift <= id < table.velocity:
            time += id - table.shift + 1
        elif id == table.bar:
            lines.append(time * table.ticks)
    assert lines == score.bar_lines(time * table.ticks + 1).tolist()
    assert bar_steps(4, 4) == 96


@settings(max_examples=20)
@given(seeds)
def test_the_tempo_stays_as_it_was_asked_for(seed: int) -> None:
    assert score_of("beats", written(rules("beats", bpm=60.0), seed)).tempi.tolist() == [(0, tempo_of(21))]


@pytest.mark.parametrize("clock", CLOCKS)
def test_an_endless_piece_does_not_end(clock: Clock) -> None:
    table = TOKENIZERS[clock].table
    opening = TOKENIZERS[clock].encode(Score.of(24, [])).tolist()
    note = [table.pitch + 60, table.duration + 3]
    for endless in (True, False):
        grammar = MusicGrammar(rules(clock, endless=endless))
        assert not grammar.allowed[table.boundary], "a piece has a note at least"
        for id in opening + note:
            grammar = grammar.after(id)
        assert grammar.allowed[table.boundary] is np.bool_(not endless)


@given(clocks, st.integers(0, 1000))
@settings(max_examples=30)
def test_time_can_be_let_pass_to_any_step(clock: Clock, step: int) -> None:
    grammar = MusicGrammar(rules(clock))
    for id in TOKENIZERS[clock].encode(Score.of(24, [])).tolist():
        grammar = grammar.after(id)
    for id in list(grammar.ids_until(step)):
        grammar = grammar.after(id)
    assert grammar.time == step


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"pitches": np.zeros(128, np.bool_)}, "range"),
        ({"max_silence": 0.0}, "max_silence"),
        ({"max_silence": -1.0}, "max_silence"),
        ({"programs": (), "drums": False}, "instruments"),
        ({"programs": (0,) * 17}, "instruments"),
    ],
)
def test_rules_that_leave_nothing_are_refused(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        rules("seconds", **wrong)
