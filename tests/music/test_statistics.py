"""The metrics of a piece, their distributions, and how samples compare with what was learned from."""

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from gen.music.score import NOTE, Note, Pedal, Piece, Score, Tempo, TimeSignature
from gen.music.statistics import LEVELS, METRICS, Distribution, Statistics, compare, complaints, distribution
from gen.random import generator
from tests.music.strategies import scores

BEAT = 480  # half a second, where no tempo is set
TIMES = ("note_density", "mean_duration", "mean_inter_onset")
PITCHES = ("lowest_pitch", "highest_pitch")


def score(*pieces: Piece) -> Score:
    return Score.of(BEAT, pieces)


def tones(pitches: Iterable[int], step: int = BEAT, length: int = BEAT) -> list[Note]:
    return [Note(i * step, length, pitch, 64) for i, pitch in enumerate(pitches)]


def hits(*times: int, pitch: int = 36) -> list[Note]:
    return [Note(time, 1, pitch, 64, drum=True) for time in times]


def stretched(piece: Score, factor: int) -> Score:
    """The same, every beat taking so many times as long."""
    tempi = [(t, microseconds * factor) for t, microseconds in [(0, 500_000), *piece.tempi.tolist()]]
    return Score(piece.resolution, piece.notes, piece.pedals, np.array(tempi, piece.tempi.dtype), piece.time_signatures)


def close(one: Statistics, other: Statistics) -> bool:
    pairs = zip(asdict(one).values(), asdict(other).values(), strict=True)
    return all((a is None) == (b is None) and (a is None or a == pytest.approx(b, abs=1e-6)) for a, b in pairs)


# -- the metrics -------------------------------------------------------------------------------------------------------


def test_all_pitch_classes_alike_are_log2_of_12_bits() -> None:
    found = Statistics.of(score(*tones(range(60, 84))))
    assert found.pitch_class_entropy == pytest.approx(math.log2(12))
    assert found.scale_consistency == pytest.approx(7 / 12)


def test_one_pitch_class_is_no_bit_and_every_key() -> None:
    found = Statistics.of(score(*tones([48, 60, 72])))
    assert found.pitch_class_entropy == 0
    assert found.scale_consistency == 1
    assert (found.lowest_pitch, found.highest_pitch, found.pitch_range) == (48, 72, 24)


def test_entropy_weighs_pitch_classes_by_their_notes() -> None:
    assert Statistics.of(score(*tones([60, 72, 62, 64]))).pitch_class_entropy == pytest.approx(1.5)


@pytest.mark.parametrize("tonic", range(12))
@pytest.mark.parametrize("steps", [(0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)], ids=["major", "natural minor"])
def test_a_diatonic_scale_lies_in_its_key_and_a_foreign_note_does_not(tonic: int, steps: tuple[int, ...]) -> None:
    scale = [60 + tonic + step for step in steps]
    assert Statistics.of(score(*tones(scale))).scale_consistency == 1
    assert Statistics.of(score(*tones([*scale, 61 + tonic]))).scale_consistency == pytest.approx(7 / 8)


def test_polyphony_counts_pitches_and_only_while_any_sounds() -> None:
    # two for one beat, one for another, then a rest and one for two beats
    chord = [Note(0, BEAT, 60, 64), Note(0, 2 * BEAT, 64, 64), Note(4 * BEAT, 2 * BEAT, 67, 64)]
    assert Statistics.of(score(*chord)).polyphony == pytest.approx((2 + 1 + 1 + 1) / 4)
    assert Statistics.of(score(*chord)).silence == pytest.approx(2 / 6)
    doubled = Note(0, BEAT, 60, 64, track=1)  # the same pitch in another part
    assert Statistics.of(score(*chord, doubled)).polyphony == pytest.approx(5 / 4)


def test_time_is_counted_in_seconds_across_changes_of_tempo() -> None:
    pieces: list[Piece] = [*tones([60, 62]), Tempo(BEAT, 1_500_000)]  # half a second, then one and a half
    found = Statistics.of(score(*pieces))
    assert found.note_density == pytest.approx(2 / 2)
    assert found.mean_duration == pytest.approx((0.5 + 1.5) / 2)
    assert found.mean_inter_onset == pytest.approx(0.5)
    slow_rest: list[Piece] = [Note(0, BEAT, 60, 64), Note(2 * BEAT, BEAT, 60, 64), Tempo(BEAT, 1_500_000)]
    assert Statistics.of(score(*slow_rest)).silence == pytest.approx(1.5 / 3.5)


def test_a_pedal_changes_nothing() -> None:
    notes = [Note(0, BEAT, 60, 64), Note(3 * BEAT, BEAT, 64, 64)]
    pedals = [Pedal(0, 0, True), Pedal(9 * BEAT, 0, False)]
    assert Statistics.of(score(*notes, *pedals)) == Statistics.of(score(*notes))


def test_a_chord_is_one_onset() -> None:
    notes = [Note(0, BEAT, 60, 64), Note(0, BEAT, 64, 64), Note(2 * BEAT, BEAT, 60, 64)]
    assert Statistics.of(score(*notes)).mean_inter_onset == pytest.approx(1.0)


def test_drums_are_density_and_groove_and_no_pitch() -> None:
    beat = [bar * 4 * BEAT + at for bar in range(4) for at in (0, BEAT, 2 * BEAT)]
    found = Statistics.of(score(*hits(*beat)))
    assert (found.groove, found.drum_share) == (1, 1)
    assert found.note_density == pytest.approx(12 / 7.0)
    assert found.mean_inter_onset == pytest.approx(7.0 / 11)
    undefined = {name for name, value in found.to_dict().items() if value is None}
    assert undefined == set(METRICS) - {"groove", "drum_share", "note_density", "mean_inter_onset"}


def test_hits_beside_tones_do_not_fill_silence() -> None:
    found = Statistics.of(score(*tones([60]), *hits(0, BEAT, 2 * BEAT, 4 * BEAT)))
    assert found.silence == pytest.approx(3 / 4)
    assert found.drum_share == pytest.approx(4 / 5)
    assert found.mean_duration == pytest.approx(0.5)


def test_the_empty_piece_has_no_metrics() -> None:
    assert set(Statistics.of(Score(BEAT)).to_dict().values()) == {None}
    assert Statistics.of(score(*hits(0))).note_density is None


# -- groove ------------------------------------------------------------------------------------------------------------


def groove(*pieces: Piece) -> float | None:
    return Statistics.of(score(*pieces), "beats").groove


def test_groove_is_what_bars_share_of_what_they_have() -> None:
    one, two = hits(0, BEAT, 2 * BEAT), hits(4 * BEAT, 5 * BEAT, 7 * BEAT)
    assert groove(*one) is None
    assert groove(*one, *two) == pytest.approx(2 / 4)
    three = hits(8 * BEAT, 9 * BEAT, 11 * BEAT)
    assert groove(*one, *two, *three) == pytest.approx((2 / 4 + 1) / 2)


def test_an_empty_bar_shares_nothing_and_two_of_them_are_no_pair() -> None:
    assert groove(*hits(0), *hits(8 * BEAT)) == 0
    assert groove(*hits(0, 4 * BEAT), *hits(16 * BEAT, 20 * BEAT)) == pytest.approx(2 / 4)


def test_an_onset_just_before_the_line_is_of_the_next_bar() -> None:
    assert groove(*hits(0, 4 * BEAT - 20, 8 * BEAT + 20)) == 1


def test_bars_are_those_of_the_time_signatures() -> None:
    waltz: list[Piece] = [TimeSignature(0, 3, 4), *hits(0, BEAT, 3 * BEAT, 4 * BEAT, 6 * BEAT, 7 * BEAT)]
    assert groove(*waltz) == 1
    assert groove(*waltz[1:]) != 1
    # two bars of 4/4, then one of 3/4 and one more, each begun by two quarters
    lines = (0, 4 * BEAT, 8 * BEAT, 11 * BEAT)
    changing: list[Piece] = [TimeSignature(8 * BEAT, 3, 4), *hits(*lines), *hits(*(line + 2 * BEAT for line in lines))]
    assert groove(*changing) == pytest.approx((1 + 1 / 3 + 1) / 3)  # 8/16 of a bar of four, 11/16 of one of three
    cut: list[Piece] = [TimeSignature(6 * BEAT, 4, 4), *hits(0, 4 * BEAT, 6 * BEAT, 10 * BEAT)]  # in the midst of a bar
    assert groove(*cut) == 1


def test_without_a_beat_bars_are_two_seconds_from_the_first_onset_on() -> None:
    rhythm = [0.0, 0.5, 1.25, 2.0, 2.5, 3.25, 4.0, 4.5, 5.25]
    delay = 0.3111
    loose = Score.of(1000, hits(*(round(2000 * (at + delay)) for at in rhythm)))  # 2,000 ticks a second
    assert Statistics.of(loose, "seconds").groove == 1
    assert Statistics.of(loose).groove == 1  # off the grid of beats, it is told by itself
    written = Score.of(24, [TimeSignature(0, 3, 4), *hits(0, 24, 72, 96, 144, 168)])
    assert Statistics.of(written).groove == 1
    assert Statistics.of(written, "seconds").groove != 1


@pytest.mark.parametrize("clock", ["beats", "seconds"])
def test_groove_against_sets(clock: str) -> None:
    draws = generator(7, "groove")
    at = np.sort(draws.integers(0, 40 * 16, size=120)) * (BEAT // 4)
    at -= at[0] % (4 * BEAT)
    bars: dict[int, set[int]] = {}
    for time in at.tolist():
        bars.setdefault(time // (4 * BEAT), set()).add(time % (4 * BEAT))
    pairs = [(bars.get(bar, set()), bars.get(bar + 1, set())) for bar in range(max(bars))]
    expected = np.mean([len(a & b) / len(a | b) for a, b in pairs if a | b])
    piece = score(*hits(*at.tolist()))
    assert Statistics.of(piece, "beats" if clock == "beats" else "seconds").groove == pytest.approx(expected)


# -- laws --------------------------------------------------------------------------------------------------------------


@given(scores())
def test_metrics_are_within_their_bounds_and_pass_through_json(piece: Score) -> None:
    found = Statistics.of(piece)
    assert Statistics(**json.loads(json.dumps(found.to_dict(), allow_nan=False))) == found
    bounds = {"pitch_class_entropy": math.log2(12), "pitch_range": 127}
    bounds |= dict.fromkeys(("scale_consistency", "groove", "silence", "drum_share"), 1)
    for name, value in found.to_dict().items():
        assert value is None or -1e-9 <= value <= bounds.get(name, math.inf) + 1e-9
    if found.polyphony is not None:
        assert found.polyphony >= 1 - 1e-6


@given(scores(), st.integers(-12, 12))
def test_transposition_changes_the_two_outer_pitches_only(piece: Score, by: int) -> None:
    notes = piece.notes.copy()
    notes["pitch"][~notes["drum"]] += by
    assume(not len(notes) or (notes["pitch"].min() >= 0 and notes["pitch"].max() <= 127))
    found = Statistics.of(piece)
    low, high = found.lowest_pitch, found.highest_pitch
    moved = {} if low is None or high is None else {"lowest_pitch": low + by, "highest_pitch": high + by}
    assert close(Statistics.of(replace(piece, notes=notes)), replace(found, **moved))


@given(scores(), st.integers(2, 4))
def test_stretching_changes_times_only(piece: Score, factor: int) -> None:
    assume(all(microseconds * factor < 2**24 for microseconds in piece.tempi["microseconds"].tolist()))
    before, after = Statistics.of(piece, "beats").to_dict(), Statistics.of(stretched(piece, factor), "beats").to_dict()
    for name, value in before.items():
        if value is not None and name in TIMES:
            value *= 1 / factor if name == "note_density" else factor
        assert (value is None and after[name] is None) or after[name] == pytest.approx(value, rel=1e-6, abs=1e-6)


@given(scores(), st.integers(1, 10_000))
@example(Score.of(24, [Note(start, 1, 58, 1, drum=True) for start in (1, 2458, 2549)]), 1)  # one is midway
def test_rests_before_the_first_note_are_no_part_of_it(piece: Score, delay: int) -> None:
    piece = Score(piece.resolution, piece.notes)
    notes = piece.notes.copy()
    notes["start"] += delay
    assert close(Statistics.of(Score(piece.resolution, notes), "seconds"), Statistics.of(piece, "seconds"))


@given(scores())
def test_tones_against_a_count_of_every_tick(piece: Score) -> None:
    sounding = [note for note in Score(500, piece.notes).pieces() if isinstance(note, Note) and not note.drum]
    assume(sounding)
    roll = np.zeros((128, max(note.end for note in sounding)), np.bool_)
    for note in sounding:
        roll[note.pitch, note.start : note.end] = True
    found = Statistics.of(Score.of(500, sounding))
    sound = np.asarray(roll.any(0))
    assert found.polyphony == pytest.approx(roll.sum() / sound.sum())
    assert found.silence == pytest.approx(1 - sound[min(note.start for note in sounding) :].mean(), abs=1e-9)


def test_the_longest_scores_cost_no_more_than_their_notes() -> None:
    # one tick a bar, 2^31 ticks: listing the bars would take 16 GB
    notes = np.array([(0, 1, 60, 64, 0, 0, False), (2**31 - 2, 1, 60, 64, 0, 0, False)], NOTE)
    signatures = np.array([(0, 1, 128)], [("time", "<i8"), ("numerator", "<i2"), ("denominator", "<i2")])
    tempi = np.array([(0, 2**24 - 1)], [("time", "<i8"), ("microseconds", "<i8")])
    found = Statistics.of(Score(1, notes, tempi=tempi, time_signatures=signatures))
    assert found.groove == 0
    json.dumps(found.to_dict(), allow_nan=False)


# -- distributions and comparisons -------------------------------------------------------------------------------------


def piece_of(value: float | None) -> Statistics:
    """Metrics that are all one value."""
    return Statistics(*[value] * len(METRICS))  # type: ignore[arg-type]


def learned(values: Iterable[float | None]) -> dict[str, dict[str, object]]:
    """A distribution as a checkpoint carries it: through JSON."""
    rows = [piece_of(value).to_dict() for value in values]
    return json.loads(json.dumps(distribution(rows), allow_nan=False))  # type: ignore[no-any-return]


def test_a_distribution_says_where_values_lie() -> None:
    found = Distribution.of([1, None, 2, 3, 4, 5])
    assert (found.count, found.undefined, found.mean) == (5, 1, 3)
    assert found.sd == pytest.approx(math.sqrt(2))
    quantiles = dict(zip(LEVELS.round(3).tolist(), found.quantiles, strict=True))
    assert [quantiles[level] for level in (0, 0.25, 0.5, 0.75, 1)] == [1, 2, 3, 4, 5]
    assert Distribution.of([None]) == Distribution(0, 1, None, None, ())
    assert Distribution.of([0.1] * 3).sd == 0


@settings(max_examples=30)
@given(st.lists(st.none() | st.floats(-1e6, 1e6), min_size=1, max_size=20))
def test_a_set_is_no_way_from_itself(values: list[float | None]) -> None:
    for found in compare([piece_of(value) for value in values], learned(values)):
        defined = [value for value in values if value is not None]
        assert found.distance == (0 if defined else None)


def test_a_set_that_is_moved_is_as_far_away_as_it_was_moved() -> None:
    values = generator(1, "values").standard_normal(50)
    sd = float(values.std())
    for found in compare([piece_of(value) for value in (values + 2 * sd).tolist()], learned(values.tolist())):
        assert found.distance == pytest.approx(2)
        assert found.inside == pytest.approx(np.mean(values + 2 * sd <= np.quantile(values, 0.975)))


def test_one_sample_is_as_far_away_as_the_mean_of_its_distances() -> None:
    values = np.linspace(0, 10, 401)  # uniform: from its middle, a quarter of the width; from its end, a half
    for at, expected in ((5, 2.5), (10, 5.0)):
        found = compare([piece_of(at)], learned(values.tolist()))[0]
        assert found.distance == pytest.approx(expected / values.std(), rel=1e-6)


@pytest.mark.parametrize("count", [1, 5, 40])
def test_samples_of_the_same_music_stay_below_chance_19_times_in_20(count: int) -> None:
    draws = generator(2, "same", count)
    training = {"groove": learned(draws.gamma(2, size=800).tolist())["groove"]}
    found = [compare([piece_of(x) for x in draws.gamma(2, size=count).tolist()], training)[0] for _ in range(200)]
    below = np.mean([it.distance < it.chance for it in found if it.distance is not None and it.chance is not None])
    assert 0.88 <= below <= 0.99
    assert np.mean([it.inside for it in found if it.inside is not None]) == pytest.approx(0.95, abs=0.04)


def test_other_music_is_further_away_than_chance() -> None:
    draws = generator(3, "other")
    training = learned(draws.standard_normal(500).tolist())
    found = compare([piece_of(x) for x in (1.5 + draws.standard_normal(10)).tolist()], training)[0]
    assert found.distance is not None and found.chance is not None
    assert found.distance > 1.5 * found.chance
    assert found.to_dict()["training"]["count"] == 500


def test_where_all_pieces_are_alike_a_distance_is_nought_or_undefined() -> None:
    training = learned([2.0] * 10)
    same, other = compare([piece_of(2.0)] * 3, training)[0], compare([piece_of(3.0)] * 3, training)[0]
    assert (same.distance, same.inside) == (0, 1)
    assert (other.distance, other.inside) == (None, 0)
    nothing = compare([piece_of(None)], training)[0]
    assert (nothing.distance, nothing.chance, nothing.inside, nothing.samples.undefined) == (None, None, None, 1)
    assert compare([], learned([1.0, 2.0]))[0].distance is None


def test_a_comparison_names_the_metrics_that_the_training_set_has() -> None:
    training = learned([1.0, 2.0])
    assert [found.metric for found in compare([piece_of(1.0)], training)] == list(METRICS)
    del training["groove"]  # as a checkpoint of another version may lack one
    assert "groove" not in [found.metric for found in compare([piece_of(1.0)], training)]


# -- complaints --------------------------------------------------------------------------------------------------------


def test_no_notes_is_a_complaint() -> None:
    assert complaints(Score(BEAT)) == ("no notes",)
    assert complaints(score(Pedal(0, 0, True))) == ("no notes",)


def test_one_pitch_for_half_a_minute_is_a_complaint() -> None:
    assert complaints(score(*tones([60] * 68))) == ("one pitch, C4, for 34 s",)
    assert complaints(score(*tones([60] * 60))) == ("one pitch, C4, for 30 s",)
    assert complaints(score(*tones([60] * 59))) == ()
    assert complaints(score(*tones([60] * 59), Tempo(0, 600_000))) == ("one pitch, C4, for 35 s",)
    assert complaints(score(*hits(*range(0, 81 * BEAT, BEAT)))) == ("one drum, kick, for 40 s",)
    assert complaints(score(*hits(*range(0, 81 * BEAT, BEAT), pitch=3))) == ("one drum, 3, for 40 s",)


def test_a_piece_that_gets_stuck_on_the_way_is_noticed() -> None:
    tune = [60, 62, 64, 65] * 8
    assert complaints(score(*tones([*tune, *[67] * 70, *tune]))) == ("one pitch, G4, for 35 s",)
    assert complaints(score(*tones([*tune, *[67] * 40, *tune, *[67] * 40]))) == ()


def test_a_pitch_that_others_sound_with_is_not_alone() -> None:
    repeated = tones([60] * 80)
    assert complaints(score(*repeated, Note(0, 40 * BEAT, 48, 64))) == ()
    assert complaints(score(*repeated, Note(0, 10 * BEAT, 48, 64))) == ("one pitch, C4, for 35 s",)
    assert complaints(score(*repeated, *hits(*range(0, 80 * BEAT, 4 * BEAT)))) == ()
    assert complaints(score(*repeated, *(replace(note, track=1) for note in repeated))) == ("one pitch, C4, for 40 s",)


@given(scores())
def test_complaints_are_words(piece: Score) -> None:
    assert all(complaint.startswith(("no notes", "one pitch, ", "one drum, ")) for complaint in complaints(piece))


def test_what_rounding_leaves_is_no_spread() -> None:
    training = learned([0.0, 1e-16, 0.0, 2e-16])
    same, other = compare([piece_of(3e-16)], training)[0], compare([piece_of(0.2)], training)[0]
    assert (same.distance, other.distance) == (0, None)
