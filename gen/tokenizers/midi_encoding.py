"""From a score to ids, in whole columns: cutting time into steps, resolving overlaps, spelling events in order."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gen.errors import TokenizerError
from gen.music.events import (
    TEMPO_BINS,
    TIME_SIGNATURES,
    VELOCITY_WIDTH,
    EventTable,
    bar_steps,
    tempo_bins,
)
from gen.music.grid import STEPS_PER_BEAT, STEPS_PER_SECOND
from gen.music.score import DEFAULT_TEMPO, DEFAULT_TIME_SIGNATURE, TRACKS, Columns, Score

MAX_STEPS = 6 * 3600 * STEPS_PER_SECOND
"""How long a piece may be; by beats as many steps, 25 hours of 60 beats a minute."""
START_VELOCITY = 16
"""The bin of every part's velocity until its first VELOCITY."""

_BAR, _TIME_SIGNATURE, _TEMPO, _PEDAL, _DRUM, _NOTE = range(6)  # the order within one instant
_DRUM_PART = TRACKS  # whose velocity runs beside those of the tracks
_KEYS = ("time", "order", "track", "pitch")  # what events are sorted by
_EVENT = np.dtype(
    [(key, "<i8") for key in _KEYS] + [("program", "<i8"), ("velocity", "<i8"), ("token", "<i8"), ("duration", "<i8")]
)  # velocity: its bin, -1 where it has none; duration: the id that follows `token`, -1 where none does


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """A score as ids.

    Attributes:
        ids: (n,), without a boundary.
        merged: notes left out, since another of the same track and pitch begins with them.
        shortened: notes that end earlier, since another of the same track and pitch begins.
    """

    ids: NDArray[np.uint16]
    merged: int
    shortened: int


def encode(score: Score, table: EventTable) -> Encoded:
    """The ids of a score.

    Raises:
        TokenizerError: it is longer than `MAX_STEPS`.
    """
    steps = int(_at(score, np.array([score.end]), table)[0])
    if steps > MAX_STEPS:
        raise TokenizerError(f"a piece of {steps:,} steps; {MAX_STEPS:,}, six hours, are taken at most: cut it")
    drums, twice = _drums(score, table)
    notes, merged, shortened = _notes(score, table)
    played = notes["time"] + table.durations[notes["duration"] - table.duration]
    end = int(max(played.max(initial=0), drums["time"].max(initial=-1) + 1))
    pedals = _pedals(score, table, set(np.unique(notes["track"]).tolist()), end)
    events = np.concatenate([pedals, drums, notes])
    if table.clock == "beats":
        last = int(events["time"].max(initial=0))
        signatures = list(_time_signatures(score, last))
        events = np.concatenate(
            [_bars(signatures, last, table), _signature_events(signatures, table), _tempi(score, last, table), events]
        )
    events = events[np.lexsort([events[key] for key in reversed(_KEYS)])]
    return Encoded(_spell(events, table), twice + merged, shortened)


# -- what happens when ---------------------------------------------------------------------------------------------


def _steps(score: Score, ticks: NDArray[np.int64], table: EventTable) -> NDArray[np.floating[Any]]:
    """The steps, not rounded, at which ticks come."""
    if table.clock == "beats":
        return ticks * (STEPS_PER_BEAT / score.resolution)
    return score.seconds(ticks) * STEPS_PER_SECOND


def _events(size: int, order: int) -> Columns:
    events = np.zeros(size, _EVENT)
    events["order"] = order
    events["velocity"] = events["duration"] = -1
    return events


def _at(score: Score, ticks: NDArray[np.int64], table: EventTable) -> NDArray[np.int64]:
    return np.rint(_steps(score, ticks, table)).astype(np.int64)  # type: ignore[no-any-return]


def _drums(score: Score, table: EventTable) -> tuple[Columns, int]:
    """The hits, and how many of the same drum fell together."""
    hits = score.notes[score.notes["drum"]]
    events = _events(len(hits), _DRUM)
    events["time"] = _at(score, hits["start"], table)
    events["pitch"] = hits["pitch"]
    events["velocity"] = hits["velocity"] // VELOCITY_WIDTH
    events["token"] = table.drum + hits["pitch"]
    events = events[np.lexsort([-events["velocity"], events["pitch"], events["time"]])]
    first = _changes(events["time"], events["pitch"])
    return events[first], int(len(events) - first.sum())


def _notes(score: Score, table: EventTable) -> tuple[Columns, int, int]:
    """The notes, none overlapping another of its track and pitch, and how many were merged and shortened for that."""
    notes = score.notes[~score.notes["drum"]]
    begins = _steps(score, notes["start"], table)
    lengths = _steps(score, notes["start"] + notes["duration"], table) - begins
    events = _events(len(notes), _NOTE)
    events["time"] = np.rint(begins).astype(np.int64)
    for name in ("track", "pitch", "program"):
        events[name] = notes[name]
    events["velocity"] = notes["velocity"] // VELOCITY_WIDTH
    events["token"] = table.pitch + notes["pitch"]
    order = np.lexsort([-lengths, events["time"], events["pitch"], events["track"]])
    events, lengths = events[order], lengths[order]
    first = _changes(events["track"], events["pitch"], events["time"])
    groups = np.flatnonzero(first)
    loudest = np.maximum.reduceat(events["velocity"], groups) if len(groups) else events["velocity"]
    events, lengths = events[first], lengths[first]  # of those that begin together, the longest
    events["velocity"] = loudest
    index = table.nearest_duration(lengths)
    same = ~_changes(events["track"], events["pitch"])[1:]  # the next is of the same track and pitch
    room = np.full(len(events), table.durations[-1])
    room[:-1][same] = np.diff(events["time"])[same]
    fitting = np.minimum(index, table.longest_duration(room))
    events["duration"] = table.duration + fitting
    return events, len(notes) - len(events), int(np.count_nonzero(fitting < index))


def _pedals(score: Score, table: EventTable, tracks: set[int], end: int) -> Columns:
    """The movements of each track's pedal, down and up in turn; too quick ones are no movement."""
    times = _at(score, score.pedals["time"], table).tolist()
    moves: dict[int, list[tuple[int, bool]]] = {track: [] for track in sorted(tracks)}
    for time, (_, track, down) in zip(times, score.pedals.tolist(), strict=True):
        if track in moves:
            _move(moves[track], time, down, table.pedal_gap)
    for track in moves.values():
        if track and track[-1][1]:
            _move(track, max(end, track[-1][0]), False, table.pedal_gap)
    rows = [(time, track, down) for track, made in moves.items() for time, down in made]
    events = _events(len(rows), _PEDAL)
    if rows:
        events["time"], events["track"], down = np.array(rows).T
        events["token"] = np.where(down, table.pedal_on, table.pedal_off)
    return events


def _move(moves: list[tuple[int, bool]], time: int, down: bool, gap: int) -> None:
    if down == bool(moves and moves[-1][1]):
        return
    if moves and time - moves[-1][0] < gap:
        moves.pop()
    else:
        moves.append((time, down))


# -- the grid of beats -----------------------------------------------------------------------------------------------


def _time_signatures(score: Score, last: int) -> Iterator[tuple[int, int, int]]:
    """Step, numerator and denominator of each up to `last`, the first at 0; none that says nothing new."""
    given = score.time_signatures
    times = np.rint(given["time"] * (STEPS_PER_BEAT / score.resolution)).astype(np.int64).tolist()
    wanted = {0: DEFAULT_TIME_SIGNATURE}
    for time, (_, numerator, denominator) in zip(times, given.tolist(), strict=True):
        known = _known_signature(numerator, denominator)
        if known is not None and time <= last:
            wanted[time] = known
    begin, running = 0, (0, 0)
    for time, signature in sorted(wanted.items()):
        if signature != running or (time - begin) % bar_steps(*running):
            yield time, *signature
            begin, running = time, signature


def _known_signature(numerator: int, denominator: int) -> tuple[int, int] | None:
    """The signature itself if there is an event for it, one with bars of the same length, or none."""
    if (numerator, denominator) in TIME_SIGNATURES:
        return numerator, denominator
    return next((known for known in TIME_SIGNATURES if known[0] * denominator == numerator * known[1]), None)


def _bars(signatures: list[tuple[int, int, int]], last: int, table: EventTable) -> Columns:
    ends = [time for time, _, _ in signatures[1:]] + [last + 1]
    lines = [
        np.arange(time, end, bar_steps(numerator, denominator))
        for (time, numerator, denominator), end in zip(signatures, ends, strict=True)
    ]
    events = _events(sum(map(len, lines)), _BAR)
    events["time"] = np.concatenate(lines)
    events["token"] = table.bar
    return events


def _signature_events(signatures: list[tuple[int, int, int]], table: EventTable) -> Columns:
    events = _events(len(signatures), _TIME_SIGNATURE)
    events["time"] = [time for time, _, _ in signatures]
    events["token"] = [table.time_signature + TIME_SIGNATURES.index((n, d)) for _, n, d in signatures]
    return events


def _tempi(score: Score, last: int, table: EventTable) -> Columns:
    """The tempi up to `last` that differ from the one before, the first at 0."""
    tempi = np.concatenate([np.array([(0, DEFAULT_TEMPO)], score.tempi.dtype), score.tempi])
    times = _at(score, tempi["time"], table)
    bins = tempo_bins(60e6 / tempi["microseconds"])
    standing = np.append(times[1:] != times[:-1], True) & (times <= last)  # not overruled in the same instant
    times, bins = times[standing], bins[standing]
    new = _changes(bins)
    events = _events(int(new.sum()), _TEMPO)
    events["time"] = times[new]
    events["token"] = table.tempo + bins[new]
    assert not len(bins) or bins.max() < TEMPO_BINS
    return events


# -- spelling ----------------------------------------------------------------------------------------------------------


def _changes(*columns: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Where a row differs from the one before in any of the columns; the first row does."""
    changed = np.ones(len(columns[0]), np.bool_)
    if len(changed):
        changed[1:] = np.any([column[1:] != column[:-1] for column in columns], axis=0)
    return changed


def _differs(values: NDArray[np.int64], parts: NDArray[np.int64], start: int) -> NDArray[np.bool_]:
    """Where a value is not the one before in the same part; before its first, a part has `start`."""
    order = np.argsort(parts, kind="stable")
    sorted_values, fresh = values[order], _changes(parts[order])
    before = np.concatenate([[start], sorted_values[:-1]])
    before[fresh] = start
    result = np.empty(len(values), np.bool_)
    result[order] = sorted_values != before
    return result


def _spell(events: Columns, table: EventTable) -> NDArray[np.uint16]:
    """Events in order to ids: what is running is said only where it changes."""
    gaps = np.diff(events["time"], prepend=0)
    notes, drums = events["order"] == _NOTE, events["order"] == _DRUM
    tracked = notes | (events["order"] == _PEDAL)
    says_track, says_program, says_velocity = np.zeros((3, len(events)), np.bool_)
    says_track[tracked] = _differs(events["track"][tracked], np.zeros(np.count_nonzero(tracked), np.int64), 0)
    says_program[notes] = _differs(events["program"][notes], events["track"][notes], 0)
    heard = notes | drums
    parts = np.where(drums, _DRUM_PART, events["track"])[heard]
    says_velocity[heard] = _differs(events["velocity"][heard], parts, START_VELOCITY)

    full, rest = gaps // table.steps, gaps % table.steps
    counts = np.stack(
        [full, rest > 0, says_track, says_program, says_velocity, np.ones(len(events), np.int64), notes], axis=1
    )
    ends = np.cumsum(counts).reshape(counts.shape)  # of each column's ids in the result
    ids = np.full(int(ends[-1, -1]) if len(events) else 0, table.shift + table.steps - 1, np.uint16)
    said = (
        (1, rest > 0, table.shift + rest - 1),
        (2, says_track, table.track + events["track"]),
        (3, says_program, table.program + events["program"]),
        (4, says_velocity, table.velocity + events["velocity"]),
        (5, np.ones(len(events), np.bool_), events["token"]),
        (6, notes, events["duration"]),
    )
    for column, where, values in said:
        ids[ends[where, column] - 1] = values[where]
    return ids
