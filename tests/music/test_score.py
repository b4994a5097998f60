import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gen.errors import ConfigError
from gen.music import Note, Pedal, Piece, Score, Tempo, TimeSignature
from gen.music.score import DEFAULT_TEMPO, MAX_TICK, NOTE, PEDAL, TEMPO, TIME_SIGNATURE
from tests.music.strategies import scores


def score(*pieces: Piece, resolution: int = 480) -> Score:
    return Score.of(resolution, pieces)


# ── What it is made of ───────────────────────────────────────────────────────────────────────────────────────────────


def test_pieces_stand_in_canonical_order() -> None:
    expected: list[Piece] = [
        TimeSignature(0, 3, 4),
        Tempo(0, 400_000),
        Pedal(0, 0, True),
        Pedal(0, 1, True),
        Note(0, 1, 36, 64, drum=True),
        Note(0, 1, 38, 64, drum=True),
        Note(0, 5, 60, 64, 0, 9),
        Note(0, 5, 40, 64, 1, 0),
        Note(0, 5, 41, 64, 1, 0),
        Pedal(5, 0, False),
        Pedal(5, 0, True),
        Note(5, 5, 60, 64),
        Tempo(9, 500_000),
    ]
    assert list(score(*expected[::-1]).pieces()) == expected


@settings(derandomize=True, deadline=None)
@given(scores())
def test_a_score_is_its_pieces(score: Score) -> None:
    pieces = list(score.pieces())
    assert Score.of(score.resolution, pieces) == score
    assert [piece.time for piece in pieces] == sorted(piece.time for piece in pieces)
    kinds = (TimeSignature, Tempo, Pedal, Note)
    order = [(piece.time, kinds.index(type(piece))) for piece in pieces]
    assert order == sorted(order)
    assert len(pieces) == sum(map(len, (score.notes, score.pedals, score.tempi, score.time_signatures)))


@settings(derandomize=True, deadline=None)
@given(scores(), st.randoms())
def test_notes_and_pedals_may_come_in_any_order(score: Score, random: Any) -> None:
    moving = [piece for piece in score.pieces() if isinstance(piece, Note | Pedal)]
    others = [piece for piece in score.pieces() if not isinstance(piece, Note | Pedal)]
    random.shuffle(moving)
    assert Score.of(score.resolution, [*moving, *others]) == score


def test_pieces_are_plain_values() -> None:
    (note,) = score(Note(7, 5, 60, 64, 3, 40)).pieces()
    assert isinstance(note, Note) and (note.time, note.end) == (7, 12)
    assert {type(getattr(note, name)) for name in note.__slots__} == {int, bool}
    assert Tempo(0, 500_000).bpm == 120
    assert list(Score(480).pieces()) == []


def test_scores_are_equal_when_all_of_them_is() -> None:
    parts: list[Piece] = [Note(0, 5, 60, 64), Pedal(0, 0, True), Tempo(0, 1), TimeSignature(0, 3, 4)]
    whole = score(*parts)
    assert whole == score(*parts)
    assert whole != "a score"
    assert whole != score(*parts, resolution=481)
    for left_out in parts:
        assert whole != score(*(part for part in parts if part is not left_out))
    with pytest.raises(TypeError):
        hash(whole)


def test_its_columns_are_its_own_and_cannot_be_written_to() -> None:
    notes = np.array([(5, 1, 60, 64, 0, 0, False), (0, 1, 61, 64, 0, 0, False)], NOTE)
    held = Score(480, notes)
    notes["pitch"] = 0
    assert held.notes["pitch"].tolist() == [61, 60]
    with pytest.raises(ValueError, match="read-only"):
        held.notes["pitch"] = 0


def test_it_says_in_short_what_it_is() -> None:
    assert repr(score(Note(0, 960, 60, 64), Note(0, 10, 61, 64))) == "<Score of 2 notes, 1.0 s>"


# ── What it refuses ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("resolution", [0, -1, 32768])
def test_a_resolution_is_ticks_of_a_beat(resolution: int) -> None:
    with pytest.raises(ConfigError, match=rf"resolution is {resolution}; it must be ticks of a beat, 1 … 32767"):
        Score(resolution)


@pytest.mark.parametrize(
    ("piece", "says"),
    [
        (Note(-1, 1, 60, 64), "start of one of the notes is -1"),
        (Note(MAX_TICK + 1, 1, 60, 64), "start of one of the notes is 2147483648"),
        (Note(0, 0, 60, 64), "duration of one of the notes is 0; it must be in 1 … 2147483647"),
        (Note(0, 1, -1, 64), "pitch of one of the notes is -1; it must be in 0 … 127"),
        (Note(0, 1, 128, 64), "pitch of one of the notes is 128"),
        (Note(0, 1, 60, 0), "velocity of one of the notes is 0; it must be in 1 … 127"),
        (Note(0, 1, 60, 128), "velocity of one of the notes is 128"),
        (Note(0, 1, 60, 64, 16), "track of one of the notes is 16; it must be in 0 … 15"),
        (Note(0, 1, 60, 64, 0, 128), "program of one of the notes is 128"),
        (Note(0, 1, 99_999, 64), "far out of range"),
        (Note(2**70, 1, 60, 64), "far out of range"),
        (Pedal(-1, 0, True), "time of one of the pedals is -1"),
        (Pedal(0, 16, True), "track of one of the pedals is 16"),
        (Tempo(-1, 1), "time of one of the tempi is -1"),
        (Tempo(0, 0), "microseconds of one of the tempi is 0; it must be in 1 … 16777215"),
        (Tempo(0, 2**24), "microseconds of one of the tempi is 16777216"),
        (TimeSignature(0, 0, 4), "numerator of one of the time_signatures is 0"),
        (TimeSignature(0, 256, 4), "numerator of one of the time_signatures is 256"),
        (TimeSignature(0, 4, 0), "denominator of one of the time_signatures is 0"),
        (TimeSignature(0, 4, 6), "denominator of a time signature must be a power of two"),
        (TimeSignature(0, 4, 256), "denominator of one of the time_signatures is 256; it must be in 1 … 128"),
    ],
)
def test_values_out_of_range_are_refused_by_name(piece: Piece, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        score(Note(0, 1, 60, 64), piece)


# ── Time ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_without_a_tempo_a_beat_is_half_a_second() -> None:
    assert score().seconds(np.array([0, 1, 480, 960])).tolist() == [0, 0.5 / 480, 0.5, 1]
    assert score(Tempo(480, 1_000_000)).seconds(np.array([240, 480, 960])).tolist() == [0.25, 0.5, 1.5]


def test_of_tempi_in_one_tick_the_last_holds() -> None:
    held = score(Tempo(0, 1), Tempo(0, 1_000_000))
    assert held.seconds(np.array([480])).tolist() == [1]


@settings(derandomize=True, deadline=None)
@given(scores(), st.lists(st.integers(0, 30_000), min_size=1, max_size=20))
def test_seconds_are_the_sum_of_ticks(score: Score, ticks: list[int]) -> None:
    tempo, passed, at = DEFAULT_TEMPO, 0.0, 0
    sums = {}
    changes = {int(time): int(microseconds) for time, microseconds in score.tempi.tolist()}
    for tick in sorted({*ticks, *changes}):
        passed += (tick - at) * tempo / 1e6 / score.resolution
        at, tempo = tick, changes.get(tick, tempo)
        sums[tick] = passed
    assert score.seconds(np.array(ticks)) == pytest.approx([sums[tick] for tick in ticks])


@settings(derandomize=True, deadline=None)
@given(scores(), st.integers(0, 30_000))
def test_a_tick_is_found_by_its_seconds(score: Score, tick: int) -> None:
    (seconds,) = score.seconds(np.array([tick])).tolist()
    found = score.tick(seconds)
    assert score.seconds(np.array([found])).tolist() == pytest.approx([seconds], abs=1e-9)


def test_a_tick_is_the_nearest_and_none_is_beyond_the_last() -> None:
    assert [score().tick(n * 0.5 / 480) for n in (0.4, 0.6, 99.51)] == [0, 1, 100]
    assert score().tick(1e9) == MAX_TICK


def test_it_ends_with_its_last_note_or_pedal() -> None:
    assert Score(480).end == 0
    assert Score(480).seconds_long == 0
    assert score(Note(0, 500, 60, 64), Note(100, 5, 60, 64), Tempo(9999, 1)).end == 500
    assert score(Note(0, 500, 60, 64), Pedal(960, 0, False)).seconds_long == 1


def test_bars_follow_the_time_signatures() -> None:
    assert score(Note(0, 5000, 60, 64)).bar_lines().tolist() == [0, 1920, 3840]
    waltz = score(TimeSignature(0, 3, 4), TimeSignature(3000, 6, 8), Note(0, 6000, 60, 64))
    assert waltz.bar_lines().tolist() == [0, 1440, 2880, 3000, 4440, 5880]
    assert waltz.bar_lines(1440).tolist() == [0]
    assert waltz.bar_lines(0).tolist() == []
    late = score(TimeSignature(100, 2, 4), Note(0, 2000, 60, 64))
    assert late.bar_lines().tolist() == [0, 100, 1060]


@settings(derandomize=True, deadline=None)
@given(scores(), st.integers(0, 3000))
def test_bars_are_as_long_as_they_are_said_to_be(score: Score, end: int) -> None:
    lines = score.bar_lines(end).tolist()
    assert lines == sorted(lines)
    assert all(0 <= line < end for line in lines)
    signatures = {int(time): (n, d) for time, n, d in score.time_signatures.tolist()}
    assert {time for time in signatures if time < end} <= set(lines)
    for line, following in itertools.pairwise(lines):
        running = [signatures[time] for time in sorted(signatures) if time <= line]
        numerator, denominator = running[-1] if running else (4, 4)
        bar = max(1, score.resolution * 4 * numerator // denominator)
        assert following - line == bar or (following in signatures and following - line < bar)


# ── Its beginning ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_comes_before_a_tick_is_rounded_off() -> None:
    whole = score(
        *(Note(0, 100, 60, 64), Note(50, 100, 61, 64, 1), Note(60, 5, 62, 64), Note(0, 60, 63, 64)),
        *(Pedal(10, 0, True), Pedal(20, 0, False), Pedal(30, 1, True), Pedal(70, 1, False)),
        *(Tempo(0, 1000), Tempo(60, 2000), TimeSignature(0, 3, 4), TimeSignature(59, 6, 8)),
    )
    assert whole.until(60) == score(
        *(Note(0, 60, 60, 64), Note(50, 10, 61, 64, 1), Note(0, 60, 63, 64)),
        *(Pedal(10, 0, True), Pedal(20, 0, False), Pedal(30, 1, True), Pedal(60, 1, False)),
        *(Tempo(0, 1000), TimeSignature(0, 3, 4), TimeSignature(59, 6, 8)),
    )


@settings(derandomize=True, deadline=None)
@given(scores(), st.integers(0, 5000))
def test_a_beginning_ends_in_time_and_begins_like_the_whole(score: Score, tick: int) -> None:
    beginning = score.until(tick)
    assert beginning.end <= tick
    assert len(beginning.notes) == np.count_nonzero(score.notes["start"] < tick)
    assert beginning.until(tick) == beginning
    assert score.until(score.end + MAX_TICK // 2).notes.tolist() == score.notes.tolist()
    for track in set(beginning.pedals["track"].tolist()):
        assert not beginning.pedals[beginning.pedals["track"] == track]["down"][-1]


def test_columns_say_what_they_hold() -> None:
    empty = Score(480)
    assert (empty.notes.dtype, empty.pedals.dtype, empty.tempi.dtype, empty.time_signatures.dtype) == (
        NOTE, PEDAL, TEMPO, TIME_SIGNATURE,
    )  # fmt: skip
