"""Music as tokens: one spelling a piece, within the bounds that are promised, from any ids a piece."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gen.config import CLOCKS, Clock
from gen.corpus.augmentation import stretched
from gen.errors import CheckpointError, TokenizerError
from gen.music.events import event_table, tempo_bin, tempo_of
from gen.music.score import Note, Pedal, Piece, Score, Tempo, TimeSignature
from gen.tokenizers import MidiTokenizer, from_dict
from gen.tokenizers.midi_encoding import encode
from tests.music.strategies import scores

BY_SECONDS, BY_BEATS = MidiTokenizer("seconds"), MidiTokenizer("beats")
tokenizers = st.sampled_from([BY_SECONDS, BY_BEATS])


def words(tokenizer: MidiTokenizer, score: Score) -> list[str]:
    return [tokenizer.vocabulary.symbol(int(id)) for id in tokenizer.encode(score)]


# -- guarantee 1: one spelling -----------------------------------------------------------------------------------------


@given(tokenizers, scores())
def test_what_was_decoded_is_encoded_as_before(tokenizer: MidiTokenizer, score: Score) -> None:
    ids = tokenizer.encode(score)
    assert np.array_equal(tokenizer.encode(tokenizer.decode(ids)), ids)


def test_the_spelling_by_seconds() -> None:
    score = Score.of(
        500,
        [
            Note(0, 500, 60, 66, 0, 40),
            Note(0, 500, 64, 80, 1, 0),
            Note(1234, 100, 60, 80, 1, 0),
            Note(1234, 9, 36, 100, drum=True),
            Pedal(0, 1, True),
            Pedal(900, 1, False),
        ],
    )
    assert words(BY_SECONDS, score) == [
        "TRACK 1", "PEDAL_ON",
        "TRACK 0", "PROGRAM 40", "PITCH 60", "DURATION 50",  # velocity 66 is in the bin that all parts begin with
        "TRACK 1", "VELOCITY 20", "PITCH 64", "DURATION 50",
        "TIME_SHIFT 90", "PEDAL_OFF",
        "TIME_SHIFT 33", "VELOCITY 25", "DRUM 36",
        "PITCH 60", "DURATION 10",
    ]  # fmt: skip


def test_the_spelling_by_beats() -> None:
    score = Score.of(
        48,
        [
            TimeSignature(0, 3, 4),
            Tempo(0, 600_000),
            Note(0, 48, 60, 66),
            Note(144, 24, 62, 66),
            Tempo(144, 500_000),
            Note(12 * 48, 12, 64, 66),
        ],
    )
    assert words(BY_BEATS, score) == [
        "BAR", "TIME_SIGNATURE 3/4", f"TEMPO {tempo_of(tempo_bin(100))}", "PITCH 60", "DURATION 24",
        "TIME_SHIFT 72", "BAR", "TEMPO 500000", "PITCH 62", "DURATION 12",
        "TIME_SHIFT 72", "BAR", "TIME_SHIFT 72", "BAR", "TIME_SHIFT 72", "BAR", "PITCH 64", "DURATION 6",
    ]  # fmt: skip


def test_long_gaps_are_spelled_with_the_longest_shift_first() -> None:
    score = Score.of(500, [Note(0, 10, 60, 66), Note(2_340, 10, 60, 66)])
    assert words(BY_SECONDS, score)[2:5] == ["TIME_SHIFT 100", "TIME_SHIFT 100", "TIME_SHIFT 34"]


def test_a_time_signature_that_moves_the_bars_is_kept_and_others_that_say_nothing_are_not() -> None:
    pieces: list[Piece] = [
        TimeSignature(0, 4, 4),
        TimeSignature(24, 4, 4),
        TimeSignature(24 + 96, 4, 4),
        Note(24 + 192, 24, 60, 66),
    ]
    said = words(BY_BEATS, Score.of(24, pieces))
    assert said[:6] == ["BAR", "TIME_SIGNATURE 4/4", "TEMPO 500000", "TIME_SHIFT 24", "BAR", "TIME_SIGNATURE 4/4"]
    assert Counter(said)["TIME_SIGNATURE 4/4"] == 2 and Counter(said)["BAR"] == 4


def test_a_time_signature_without_an_event_becomes_one_with_the_same_bars() -> None:
    assert "TIME_SIGNATURE 3/4" in words(BY_BEATS, Score.of(24, [TimeSignature(0, 24, 32), Note(0, 1, 60, 66)]))
    assert "TIME_SIGNATURE 4/4" in words(BY_BEATS, Score.of(24, [TimeSignature(0, 97, 128), Note(0, 1, 60, 66)]))


# -- guarantee 2: how far off ------------------------------------------------------------------------------------------


def apart(score: Score) -> Score:
    """The first note of each track and pitch, so that nothing is merged or shortened."""
    melodic = score.notes[~score.notes["drum"]]
    _, first = np.unique(melodic[["track", "pitch"]], return_index=True)
    return Score(score.resolution, melodic[first], tempi=score.tempi, time_signatures=score.time_signatures)


@given(scores().map(apart))
def test_by_seconds_onsets_durations_and_velocities_stay_near(score: Score) -> None:
    decoded = BY_SECONDS.decode(BY_SECONDS.encode(score))
    assert len(decoded.notes) == len(score.notes)
    order = ["track", "pitch"]
    ours, theirs = np.sort(decoded.notes, order=order), np.sort(score.notes, order=order)
    for name in ("track", "pitch", "program"):
        assert np.array_equal(ours[name], theirs[name])
    assert np.abs(ours["velocity"] - theirs["velocity"]).max(initial=0) <= 2
    starts = score.seconds(theirs["start"])
    assert np.abs(decoded.seconds(ours["start"]) - starts).max(initial=0) <= 0.005 + 1e-6
    lengths = score.seconds(theirs["start"] + theirs["duration"]) - starts
    off = np.abs(ours["duration"] / 1000 - lengths)
    assert np.all((off <= np.maximum(0.005, 0.028 * lengths) + 1e-6) | (lengths > 20) | (lengths < 0.005))


@given(
    st.lists(
        st.tuples(st.integers(0, 500), st.integers(1, 96), st.integers(0, 127)), max_size=30, unique_by=lambda n: n[2]
    )
)
def test_by_beats_the_grid_is_exact_up_to_four_beats(rows: list[tuple[int, int, int]]) -> None:
    score = Score.of(480, [Note(20 * start, 20 * length, pitch, 66) for start, length, pitch in rows])
    assert np.array_equal(BY_BEATS.decode(BY_BEATS.encode(score)).notes, score.notes)


@given(tokenizers, scores())
def test_what_is_merged_or_shortened_is_counted(tokenizer: MidiTokenizer, score: Score) -> None:
    encoded = encode(score, tokenizer.table)
    decoded = tokenizer.decode(encoded.ids)
    assert len(decoded.notes) + encoded.merged == len(score.notes)
    melodic = decoded.notes[~decoded.notes["drum"]]
    ordered = np.sort(melodic, order=["track", "pitch", "start"])
    same = (ordered["track"][1:] == ordered["track"][:-1]) & (ordered["pitch"][1:] == ordered["pitch"][:-1])
    ends = (ordered["start"] + ordered["duration"])[:-1]
    assert np.all(ends[same] <= ordered["start"][1:][same])
    if not encoded.merged:
        assert encoded.shortened <= max(0, len(melodic) - len(np.unique(melodic[["track", "pitch"]])))


def test_an_earlier_note_ends_where_a_later_one_begins() -> None:
    overlapping = Score.of(500, [Note(0, 5000, 60, 66), Note(990, 400, 60, 66), Note(990, 100, 60, 90)])
    encoded = encode(overlapping, BY_SECONDS.table)
    assert (encoded.merged, encoded.shortened) == (1, 1)
    assert BY_SECONDS.decode(encoded.ids).notes.tolist() == [
        (0, 970, 60, 66, 0, 0, False),
        (990, 400, 60, 90, 0, 0, False),
    ]


def test_a_pedal_that_flutters_is_one_movement_and_is_lifted_in_the_end() -> None:
    pedals = [Pedal(0, 0, True), Pedal(500, 0, False), Pedal(530, 0, True), Pedal(1000, 3, True)]
    decoded = BY_SECONDS.decode(BY_SECONDS.encode(Score.of(500, [Note(0, 2000, 60, 66), *pedals])))
    assert decoded.pedals.tolist() == [(0, 0, True), (2000, 0, False)]  # track 3 has no note to sustain


# -- guarantee 3 and 6: any ids, as they come --------------------------------------------------------------------------


@given(st.data(), tokenizers)
def test_any_ids_are_a_score_and_streamed_it_is_the_same(data: st.DataObject, tokenizer: MidiTokenizer) -> None:
    table = tokenizer.table
    kinds = [table.shift, table.velocity, table.track, table.pitch, table.duration, table.drum, table.pedal_on, 0]
    near = st.sampled_from(kinds).flatmap(lambda start: st.integers(start, min(start + 3, table.size - 1)))
    ids = data.draw(st.lists(near | st.integers(0, table.size - 1), max_size=200))
    stream = tokenizer.stream()
    pieces = [piece for id in ids for piece in stream.feed(id)] + stream.flush()
    assert tokenizer.join(pieces) == tokenizer.decode(ids)
    assert [piece.time for piece in pieces] == sorted(piece.time for piece in pieces)


def test_ids_outside_the_vocabulary_are_refused() -> None:
    for id in (-1, BY_SECONDS.table.size):
        with pytest.raises(TokenizerError, match="outside the vocabulary"):
            BY_SECONDS.decode([id])


def test_time_stands_still_where_no_tick_could_hold_it() -> None:
    last = BY_SECONDS.table.velocity - 1
    score = BY_SECONDS.decode([last] * 1_200_000 + [BY_SECONDS.table.pitch, BY_SECONDS.table.duration])
    assert score.notes["start"].tolist() == [2**30 - 1]


@pytest.mark.parametrize("tokenizer", [BY_SECONDS, BY_BEATS])
def test_a_piece_of_more_than_six_hours_is_refused_before_it_takes_memory(tokenizer: MidiTokenizer) -> None:
    with pytest.raises(TokenizerError, match="six hours"):
        tokenizer.encode(Score.of(1, [Note(2**31 - 1, 1, 60, 66), Tempo(0, 2**24 - 1)]))


# -- guarantee 5: transposition and stretching -------------------------------------------------------------------------


@given(tokenizers, scores(), st.integers(-5, 5))
def test_transposition_moves_pitches_and_nothing_else(tokenizer: MidiTokenizer, score: Score, semitones: int) -> None:
    melodic = score.notes[~score.notes["drum"]]["pitch"]
    if len(melodic) and not (melodic.min() + semitones >= 0 and melodic.max() + semitones <= 127):
        return
    moved = score.notes.copy()
    moved["pitch"] += np.where(moved["drum"], 0, semitones).astype(moved["pitch"].dtype)
    transposed = Score(score.resolution, moved, score.pedals, score.tempi, score.time_signatures)
    ids, table = tokenizer.encode(score).astype(int), tokenizer.table
    pitches = (ids >= table.pitch) & (ids < table.duration)
    assert np.array_equal(tokenizer.encode(transposed), ids + semitones * pitches)


@pytest.mark.parametrize("factor", [0.5, 0.95, 1.0, 1.05, 1.5])
def test_stretching_changes_shifts_and_durations_and_nothing_else(factor: float) -> None:
    table = event_table("seconds")
    ids = stretched(table, factor)
    untouched = np.ones(table.size, np.bool_)
    untouched[table.shift : table.velocity] = untouched[table.duration : table.drum] = False
    assert np.array_equal(ids[untouched], np.arange(table.size)[untouched])
    shifts, durations = ids[table.shift : table.velocity], ids[table.duration : table.drum]
    assert np.all((shifts >= table.shift) & (shifts < table.velocity))
    assert np.all((durations >= table.duration) & (durations < table.drum))
    assert ids[table.shift + 39] - table.shift + 1 == round(40 * factor)
    if factor == 1:
        assert np.array_equal(ids, np.arange(table.size))


# -- the rest ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("clock", CLOCKS)
def test_it_is_what_its_description_says(clock: Clock) -> None:
    again = from_dict(MidiTokenizer(clock).to_dict())
    assert isinstance(again, MidiTokenizer)
    assert again.clock == clock and again.vocabulary == MidiTokenizer(clock).vocabulary


@pytest.mark.parametrize("clock", [None, 7, "minutes", []])
def test_an_unknown_clock_is_refused(clock: object) -> None:
    with pytest.raises(CheckpointError, match="clock"):
        from_dict({"kind": "midi", "clock": clock})


@settings(max_examples=50)
@given(tokenizers, scores())
def test_seconds_are_those_up_to_the_last_event_and_units_are_notes(tokenizer: MidiTokenizer, score: Score) -> None:
    ids = tokenizer.encode(score)
    decoded = tokenizer.decode(ids)
    assert int(tokenizer.units[ids].sum()) == len(decoded.notes)
    last = max((piece.time for piece in decoded.pieces()), default=0)
    assert tokenizer.seconds(ids) == pytest.approx(decoded.seconds(np.array([last]))[0], abs=1e-6)
