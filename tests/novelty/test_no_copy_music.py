"""No passage of N notes of the training pieces, in any line and key, and hardly anything else forbidden."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gen.errors import ConfigError
from gen.novelty.music_lines import ALL_TRACKS, Notes
from gen.novelty.no_copy_music import NoCopyMusic
from gen.novelty.suffixes import SuffixIndex

Struck = tuple[int, int, int]
"""Step, track and pitch of a note."""


def piece(struck: list[Struck], spread: int) -> Notes:
    steps, tracks, pitches = (np.array(column, np.int64) for column in zip(*struck, strict=True))
    return Notes(steps, steps / 100, tracks, pitches, spread)


def longest(index: SuffixIndex, notes: Notes) -> int:
    """Notes of the longest passage of any line, by all ends of all lines."""
    return 1 + max(
        index.longest_suffix(line.symbols[:end]) for line in notes.lines() for end in range(len(line.symbols) + 1)
    )


moves = st.lists(st.tuples(st.sampled_from([0, 0, 1, 2, 6, 12]), st.integers(0, 2), st.integers(0, 5)), min_size=9)


def struck_of(drawn: list[tuple[int, int, int]], apart: int) -> list[Struck]:
    """Notes in the order of a piece: steps, then tracks, then pitches, none twice."""
    steps = np.array([step for step, _, _ in drawn]).cumsum().tolist()
    return sorted({(step, track, 60 + apart * pitch) for step, (_, track, pitch) in zip(steps, drawn, strict=True)})


@given(moves, st.integers(6, 9), st.sampled_from([0, 3]), st.sampled_from([1, 13]), st.data())
def test_no_line_gets_a_passage_and_each_ban_is_needed(
    drawn: list[tuple[int, int, int]], length: int, spread: int, apart: int, data: Any
) -> None:
    """A walk along the piece itself, which goes elsewhere only where it has to, and at times by chance."""
    learned, pitches = struck_of(drawn, apart), [0, 30, *range(58, 68), *range(73, 128, 13), 127]
    index = SuffixIndex.of(line.symbols for line in piece(learned, spread).lines())
    guard = NoCopyMusic(index, length, spread)
    written: list[Struck] = []
    for step, track, pitch in learned:
        allowed = guard.allowed(track, step)
        for tried in pitches:
            made = longest(index, piece([*written, (step, track, tried)], spread))
            assert bool(allowed[tried]) == (made < length), (written, step, track, tried)
        free = [it for it in pitches if allowed[it] and (step, track, it) not in written]
        if not allowed[pitch] or data.draw(st.integers(0, 9)) == 0:
            later = [it for it in free if not any(s == step and t == track and it <= p for s, t, p in written)]
            if not later:
                continue
            pitch = data.draw(st.sampled_from(later))
        written.append((step, track, pitch))
        guard = guard.after(track, pitch, step)
    if written:
        assert longest(index, piece(written, spread)) < length


def test_a_transposed_copy_is_kept_off_in_a_track_and_in_all_together() -> None:
    pitches = [60, 64, 62, 67, 65, 69, 60, 72, 71, 60]
    index = SuffixIndex.of([piece([(10 * n, 0, p) for n, p in enumerate(pitches)], 0)._line(0, np.arange(10)).symbols])
    for tracks in ([0] * 10, [0, 1] * 5):
        guard = NoCopyMusic(index, 8, 0)
        for number, (pitch, track) in enumerate(zip(pitches[:7], tracks, strict=False)):
            assert guard.allowed(track, 20 * number).all()
            guard = guard.after(track, pitch + 5, 20 * number)
        assert np.flatnonzero(~guard.allowed(tracks[7], 140)).tolist() == [77]
        assert sorted(guard.lines) == sorted({*tracks, ALL_TRACKS})


def test_a_length_that_would_forbid_melodies_is_refused() -> None:
    with pytest.raises(ConfigError, match="no_copy is 5; it must be 6 or more notes, for music"):
        NoCopyMusic(SuffixIndex.of([]), 5, 0)


@pytest.mark.parametrize("size", [12, 24, 60])
def test_rhythm_is_told_by_what_was_before_a_chord_however_many_notes_it_has(size: int) -> None:
    top = [80, 83, 87, 92, 98]
    after = (70, 0, 95)  # later than the chord was
    learned = [(0, 0, 60), (10, 0, 62), *((20, 0, pitch) for pitch in top), after]
    index = SuffixIndex.of(line.symbols for line in piece(learned, 0).lines())
    written: list[Struck] = [(0, 0, 60), (10, 0, 64), *((20, 0, 15 + n) for n in range(size - 5))]
    written += [(20, 0, pitch) for pitch in top]
    guard = NoCopyMusic(index, 6, 0)
    for step, track, pitch in written:
        assert guard.allowed(track, step)[pitch]
        guard = guard.after(track, pitch, step)
    assert longest(index, piece([*written, after], 0)) == 6
    assert np.flatnonzero(~guard.allowed(0, 70)).tolist() == [95]
