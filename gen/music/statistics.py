"""What can be measured of a piece: its metrics, how they are spread over many pieces, how samples compare with those.

A metric is None where a piece has nothing to measure it by (no tones, one bar only), so that its JSON stays valid. The
comparison is made for the few samples that one listens to: beside each distance stands the one that chance makes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from gen.config import Clock
from gen.music.drum_kit import DRUM_NAMES
from gen.music.grid import fitting_clock, onsets_on_grid
from gen.music.names import pitch_name
from gen.music.score import DEFAULT_TIME_SIGNATURE, Columns, Score
from gen.random import philox

STRETCH = 2.0
"""Seconds that stand for a bar where music keeps no beat: four beats at 120 a minute."""
MONOTONY = 30.0
"""Seconds of one pitch and nothing else from which a piece is complained of."""
LEVELS = np.linspace(0, 1, 41)
"""The quantiles that are kept of a distribution."""

_POSITIONS = 16  # in a bar
_KEYS = np.array([[(c - tonic) % 12 in (0, 2, 4, 5, 7, 9, 11) for c in range(12)] for tonic in range(12)])
_ROUNDING = 1e-9  # what is less in a metric comes of adding up times
_TRIALS = 200  # sets of pieces that are drawn to learn how far apart chance alone puts two


@dataclass(frozen=True, slots=True)
class Statistics:
    """The metrics of a piece, each None where it is undefined. Tones are the notes that are no drum hits.

    A piece lasts from its first onset to the end of its last note here; a hit ends as it begins, since its duration
    says nothing. Pedals are ignored throughout.

    Attributes:
        pitch_class_entropy: of the tones' pitch classes, in bits: 0 … log2(12) = 3.585 (Wu & Yang 2020, "The Jazz
            Transformer on the front line"; over the whole piece, as in MusPy: Dong et al. 2020).
        scale_consistency: the largest share of tones that lie in one of the 24 diatonic keys, 12 major ones and their
            relative natural minors (Mogren 2016, "C-RNN-GAN").
        groove: how like each other consecutive bars are: of the sets of positions, sixteenths of a bar, at which
            something begins, |A and B| / |A or B| (Jaccard), averaged over the pairs of which not both are empty. After
            the grooving similarity of Wu & Yang 2020, which also counts the positions empty in both, and so is near
            1 for sparse music. By the seconds clock, bars are stretches of 2 s from the first onset on.
        polyphony: different pitches that sound at once, averaged over the time in which any does (MusPy).
        note_density: tones and hits a second.
        silence: share of the time in which no tone sounds.
        lowest_pitch: 0 … 127.
        highest_pitch: 0 … 127.
        pitch_range: semitones between them (Yang & Lerch 2018).
        mean_duration: of the tones, in seconds.
        mean_inter_onset: from one onset to the next, in seconds; notes that begin in one tick are one onset (Yang &
            Lerch 2018).
        drum_share: share of hits among tones and hits.
    """

    pitch_class_entropy: float | None
    scale_consistency: float | None
    groove: float | None
    polyphony: float | None
    note_density: float | None
    silence: float | None
    lowest_pitch: int | None
    highest_pitch: int | None
    pitch_range: int | None
    mean_duration: float | None
    mean_inter_onset: float | None
    drum_share: float | None

    @classmethod
    def of(cls, score: Score, clock: Clock | None = None) -> Self:
        """The metrics of a score.

        Args:
            score: any, an empty one too.
            clock: what its bars are told by; by default the clock that fits it, as a corpus' is chosen.
        """
        notes = score.notes
        tones = notes[~notes["drum"]]
        starts, ends = _seconds(score)
        sounding = (starts[~notes["drum"]], ends[~notes["drum"]])
        pitches = tones["pitch"].astype(np.int64)
        classes = np.bincount(pitches % 12, minlength=12)
        present = classes[classes > 0]
        length = float(ends.max() - starts[0]) if len(notes) else 0.0
        covered = _covered(*sounding, np.zeros_like(pitches))
        onsets = np.unique(notes["start"])
        low, high = (int(pitches.min()), int(pitches.max())) if len(tones) else (None, None)
        quiet = _ratio(length - covered, length) if len(tones) else None
        return cls(
            pitch_class_entropy=_ratio(float(present @ np.log2(len(tones) / present)), len(tones)),
            scale_consistency=_ratio(int((_KEYS @ classes).max()), len(tones)),
            groove=_groove(score, starts, clock or fitting_clock(onsets_on_grid(score), len(notes))),
            polyphony=_ratio(_covered(*sounding, pitches), covered),
            note_density=_ratio(len(notes), length),
            silence=None if quiet is None else max(0.0, quiet),  # sums differ in their last digits
            lowest_pitch=low,
            highest_pitch=high,
            pitch_range=None if low is None or high is None else high - low,
            mean_duration=_ratio(float((sounding[1] - sounding[0]).sum()), len(tones)),
            mean_inter_onset=float(starts[-1] - starts[0]) / (len(onsets) - 1) if len(onsets) > 1 else None,
            drum_share=_ratio(len(notes) - len(tones), len(notes)),
        )

    def to_dict(self) -> dict[str, float | None]:
        """The metrics as JSON values; `Statistics(**values)` makes them again."""
        return asdict(self)


METRICS = tuple(field.name for field in fields(Statistics))
"""What the metrics are called."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """How a metric is spread over pieces.

    Attributes:
        count: pieces in which it is defined; below 1, all that follows is None or empty.
        undefined: pieces in which it is not.
        mean: over the pieces.
        sd: standard deviation over the pieces (divided by n).
        quantiles: at each of `LEVELS`, interpolated linearly; the first is the least value, the last the greatest.
    """

    count: int
    undefined: int
    mean: float | None
    sd: float | None
    quantiles: tuple[float, ...]

    @classmethod
    def of(cls, values: Sequence[float | None]) -> Self:
        """The distribution of a metric's values, one a piece."""
        defined = np.array([value for value in values if value is not None], np.float64)
        undefined = len(values) - len(defined)
        if not len(defined):
            return cls(0, undefined, None, None, ())
        # equal values may have a mean that differs from them in its last digit
        sd = float(defined.std()) if np.ptp(defined) else 0.0
        return cls(len(defined), undefined, float(defined.mean()), sd, tuple(np.quantile(defined, LEVELS).tolist()))


@dataclass(frozen=True, slots=True)
class Comparison:
    """One metric of samples beside that of the music which the model learned from.

    Attributes:
        metric: what it is called.
        samples: its distribution over the samples.
        training: over the training set.
        distance: Wasserstein-1 distance of the two, in standard deviations of the training set: how far, on average,
            values must be moved to make one of the other; None where it is undefined in either set, or where the
            training set has one value only and the samples another.
        chance: the distance that 95 of 100 sets of pieces stay below which are drawn from the training set itself, as
            many as there are samples; a `distance` above it is more than chance.
        inside: share of the samples in the central 95 % of the training set.
    """

    metric: str
    samples: Distribution
    training: Distribution
    distance: float | None
    chance: float | None
    inside: float | None

    def to_dict(self) -> dict[str, Any]:
        """The comparison as JSON values."""
        return asdict(self)


def distribution(pieces: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The `Distribution` of each of the `METRICS` as JSON values, from `Statistics.to_dict()` of each piece."""
    return {metric: asdict(Distribution.of([piece[metric] for piece in pieces])) for metric in METRICS}


def compare(samples: Sequence[Statistics], training: Mapping[str, Mapping[str, Any]]) -> tuple[Comparison, ...]:
    """Each metric of samples beside that of a training set, which is given as `distribution` returned it.

    The distance is taken between the quantiles that a `Distribution` keeps: a checkpoint carries them, and no training
    music is needed. Equal sets are 0 apart, and moving a whole set by one standard deviation makes it 1.
    """
    return tuple(
        _compare(metric, [getattr(piece, metric) for piece in samples], Distribution(**training[metric]))
        for metric in METRICS
        if metric in training
    )


def _compare(metric: str, values: list[float | None], training: Distribution) -> Comparison:
    samples = Distribution.of(values)
    if not samples.count or not training.count:
        return Comparison(metric, samples, training, None, None, None)
    learned, defined = np.array(training.quantiles), np.array([value for value in values if value is not None])
    inside = float(np.mean((defined >= learned[1]) & (defined <= learned[-2])))
    apart = float(_apart(np.array(samples.quantiles), learned))
    apart = apart if apart >= _ROUNDING else 0.0
    if not training.sd or training.sd < _ROUNDING:
        return Comparison(metric, samples, training, None if apart else 0.0, 0.0, inside)
    draws = philox(0, "chance").random_raw(_TRIALS * len(defined)).reshape(_TRIALS, -1) / 2.0**64
    trials = np.quantile(np.interp(draws, LEVELS, learned), LEVELS, axis=1).T
    chance = float(np.quantile(_apart(trials, learned), 0.95))
    return Comparison(metric, samples, training, apart / training.sd, chance / training.sd, inside)


def _apart(some: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """The integral of |Q(u) - R(u)| over the levels u, by trapezia: the Wasserstein-1 distance; (…, levels) -> (…)."""
    return np.asarray(np.trapezoid(np.abs(some - others), LEVELS, axis=-1))


def complaints(score: Score) -> tuple[str, ...]:
    """What is plainly wrong with a piece: it has "no notes", or for 30 s or more "one pitch, C4, for 34 s"."""
    notes = score.notes
    if not len(notes):
        return ("no notes",)
    starts, ends = _seconds(score)
    sounds = notes["pitch"] + 128 * notes["drum"]
    first = np.append(0, np.flatnonzero(np.diff(sounds)) + 1)  # of each run of one sound
    others_end = np.append(-np.inf, np.maximum.accumulate(ends)[first[1:] - 1])
    others_begin = np.append(starts[first[1:]], np.inf)
    alone = np.minimum(np.maximum.reduceat(ends, first), others_begin) - np.maximum(starts[first], others_end)
    longest = int(np.argmax(alone))
    if alone[longest] < MONOTONY:
        return ()
    note = notes[first[longest]]
    pitch = int(note["pitch"])
    name = f"drum, {DRUM_NAMES.get(pitch, pitch)}" if note["drum"] else f"pitch, {pitch_name(pitch)}"
    return (f"one {name}, for {alone[longest]:.0f} s",)


def _seconds(score: Score) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """When each note begins and when it ends, in seconds; a hit ends as it begins."""
    notes = score.notes
    return score.seconds(notes["start"]), score.seconds(notes["start"] + np.where(notes["drum"], 0, notes["duration"]))


def _ratio(share: float, whole: float) -> float | None:
    return float(share / whole) if whole > 0 else None


def _covered(starts: NDArray[np.float64], ends: NDArray[np.float64], kinds: NDArray[np.int64]) -> float:
    """Seconds that intervals cover, counted for each kind of them alone."""
    if not len(starts):
        return 0.0
    begin = starts.min()
    apart = kinds * (ends.max() - begin)  # lays the kinds out one after the other
    order = np.lexsort((starts, kinds))
    starts, ends = (starts - begin + apart)[order], (ends - begin + apart)[order]
    reached = np.maximum.accumulate(np.append(0.0, ends[:-1]))
    return float(np.maximum(0, ends - np.maximum(starts, reached)).sum())


def _groove(score: Score, starts: NDArray[np.float64], clock: Clock) -> float | None:
    if not len(starts):
        return None
    if clock == "beats":
        places = _places(score.notes["start"], score.resolution, score.time_signatures)
    else:
        exact = (starts - starts[0]) * (_POSITIONS / STRETCH)
        places = np.floor(np.round(exact, 6) + 0.5).astype(np.int64)  # what is midway, but for rounding, is midway
    places = np.unique(places)
    bars, first = np.unique(places // _POSITIONS, return_index=True)
    sets = np.bitwise_or.reduceat(1 << places % _POSITIONS, first)
    adjacent = np.diff(bars) == 1
    earlier, later = sets[:-1][adjacent], sets[1:][adjacent]
    likeness = np.bitwise_count(earlier & later) / np.bitwise_count(earlier | later)
    pairs = 2 * len(adjacent) - int(adjacent.sum())  # empty bars between two make a pair of none with each
    return _ratio(float(likeness.sum()), pairs)


def _places(onsets: NDArray[np.int64], resolution: int, signatures: Columns) -> NDArray[np.int64]:
    """The position nearest to each onset, counted in sixteenths of bars from the beginning."""
    changes = np.array([(0, *DEFAULT_TIME_SIGNATURE), *signatures.tolist()], np.int64)
    begins, lengths = changes[:, 0], np.maximum(1, 4 * resolution * changes[:, 1] // changes[:, 2])
    bars = np.append(0, np.cumsum(-(-np.diff(begins) // lengths[:-1])))  # before each change; one it cuts counts whole
    kind = np.searchsorted(begins, onsets, side="right") - 1
    within = (2 * _POSITIONS * (onsets - begins[kind]) + lengths[kind]) // (2 * lengths[kind])
    return np.asarray(_POSITIONS * bars[kind] + within)
