"""Passages that pieces share: planted ones are found in any key, tempo and band; nothing is found in new music."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gen.corpus.documents import ReadingOptions
from gen.corpus.token_corpus import TokenCorpus
from gen.music.midi_writer import midi_bytes
from gen.music.score import Note, Score, Tempo
from gen.novelty.music import LONG_PASSAGE, MusicNovelty
from gen.novelty.music_lines import ALL_TRACKS, Notes, symbols
from gen.random import philox
from gen.tokenizers import MidiTokenizer

RESOLUTION = 480
LENGTHS = (120, 240, 360, 480, 720)


def tune(seed: int, notes: int, track: int = 0, program: int = 0, at: int = 0, step: float = 1.0) -> list[Note]:
    """Notes of random pitches and lengths, one after the other."""
    made = []
    for number in philox(seed, "sample", track).random_raw(notes).tolist():
        length = int(LENGTHS[number % 5] * step)
        made.append(Note(at, length, 40 + number // 5 % 40, 40 + number // 200 % 60, track, program))
        at += length
    return made


def piece(seed: int) -> Score:
    return Score.of(RESOLUTION, [*tune(seed, 90), *tune(seed, 50, track=1, program=32), Tempo(0, 500_000)])


@pytest.fixture(scope="module", params=["beats", "seconds"])
def learned(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[MusicNovelty, list[str]]:
    """What is known of 30 pieces, and the names of those to learn from."""
    folder = tmp_path_factory.mktemp("pieces")
    for number in range(30):
        (folder / f"{number:02}.mid").write_bytes(midi_bytes(piece(number)).data)
    cache = tmp_path_factory.mktemp("cache")
    corpus = TokenCorpus.open(folder, options=ReadingOptions(clock=request.param), cache=cache)
    novelty = MusicNovelty.open(corpus, cache=cache)
    return novelty, novelty._pieces


def planted(seed: int, track: int, semitones: int, program: int, first: int, count: int, step: float) -> Score:
    """New music with notes of a piece in its midst: in another key, by another instrument, in another tempo."""
    source = [note for note in piece(seed).pieces() if isinstance(note, Note) and note.track == track]
    chosen = source[first : first + count]
    before = tune(1_000, 30, track=2, program=5)
    shift = before[-1].end - int(chosen[0].start * step)
    copied = [
        replace(
            note, start=int(note.start * step) + shift, duration=int(note.duration * step), track=2,
            pitch=note.pitch + semitones, program=program, velocity=90,
        )
        for note in chosen
    ]  # fmt: skip
    after = tune(1_001, 30, track=2, program=5, at=copied[-1].end)
    return Score.of(RESOLUTION, [*before, *copied, *after, *tune(1_002, 120, track=3), Tempo(0, 400_000)])


@pytest.mark.parametrize("semitones", [-9, 0, 7])
@pytest.mark.parametrize("step", [1.0, 2.0, 0.5])
def test_planted_copies_are_found_with_piece_track_and_time(
    learned: tuple[MusicNovelty, list[str]], semitones: int, step: float
) -> None:
    novelty, pieces = learned
    for track, first in ((0, 20), (1, 5)):
        number = int(Path(pieces[3]).stem)
        receipt = novelty.receipt(planted(number, track, semitones, 40, first, 40, step))
        best = receipt.passages[0]
        assert best.source == pieces[3]
        assert best.source_track == track and best.track == 2
        assert best.semitones == semitones
        assert 38 <= best.notes <= 42
        notes = [it for it in piece(number).pieces() if isinstance(it, Note) and it.track == track]
        assert best.source_begin == pytest.approx(notes[first].start / 960, abs=0.8 + 0.02)
        assert best.source_end == pytest.approx(notes[first + 39].start / 960, abs=0.8 + 0.02)
        length = (notes[first + 39].start - notes[first].start) * step / 1200
        assert best.end - best.begin == pytest.approx(length, abs=1.5)
        assert receipt.rate.longest == best.notes
        assert receipt.rate.share >= 38 / receipt.rate.notes


def test_new_music_shares_nothing_long(learned: tuple[MusicNovelty, list[str]]) -> None:
    novelty, _ = learned
    for seed in range(2_000, 2_020):
        receipt = novelty.receipt(piece(seed))
        assert receipt.rate.longest < 12 < LONG_PASSAGE
        assert receipt.rate.share == 0
    assert novelty.unseen is not None
    assert novelty.unseen.longest < 12


def test_it_is_found_again_in_the_cache(tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / f"{number}.mid").write_bytes(midi_bytes(piece(number)).data)
    corpus = TokenCorpus.open(tmp_path, cache=tmp_path / "cache")
    assert MusicNovelty.find(corpus.provenance, corpus.tokenizer, cache=tmp_path / "cache") is None
    made = MusicNovelty.open(corpus, cache=tmp_path / "cache").receipt(piece(5))
    found = MusicNovelty.find(corpus.provenance, corpus.tokenizer, cache=tmp_path / "cache")
    assert found is not None
    assert found.receipt(piece(5)) == made
    assert made.rate.share > 0.85, "the rest is there to validate with"


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(40, 65)), min_size=2, max_size=30), st.integers(-20, 20))
def test_symbols_are_the_same_in_any_key_and_tempo(moves: list[tuple[int, int]], semitones: int) -> None:
    rows = sorted({(sum(step for step, _ in moves[: number + 1]), pitch) for number, (_, pitch) in enumerate(moves)})
    onsets, pitches = (np.array(column) for column in zip(*rows, strict=True))
    found = symbols(onsets, pitches)
    assert found == symbols(3 * onsets + 7, pitches + semitones)
    assert len(found) == len(rows) - 1
    assert b"\xff" not in found
    if len(rows) > 1:
        changed = pitches.copy()
        changed[-1] += 1
        assert found != symbols(onsets, changed)


@pytest.mark.parametrize("clock", ["beats", "seconds"])
def test_notes_are_those_of_the_decoded_score(clock: Literal["beats", "seconds"]) -> None:
    tokenizer = MidiTokenizer(clock)
    drums = [Note(480 * number, 120, 36, 80, 0, 0, True) for number in range(9)]
    score = Score.of(RESOLUTION, [*piece(3).pieces(), *drums, Tempo(960, 300_000), Tempo(4800, 700_000)])
    ids = tokenizer.encode(score)
    notes, decoded = Notes.of(ids, tokenizer.table), tokenizer.decode(ids)
    expected = decoded.notes[~decoded.notes["drum"]]
    order = np.lexsort((expected["pitch"], expected["track"], expected["start"]))
    assert notes.pitches.tolist() == expected["pitch"][order].tolist()
    assert notes.tracks.tolist() == expected["track"][order].tolist()
    assert notes.seconds == pytest.approx(decoded.seconds(expected["start"][order]), abs=1e-6)
    lines = {line.track: line for line in notes.lines()}
    assert sorted(lines) == [ALL_TRACKS, 0, 1]
    assert len(lines[0].notes) == 90 and len(lines[ALL_TRACKS].notes) == 140
