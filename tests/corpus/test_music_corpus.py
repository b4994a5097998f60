"""Folders of MIDI files to ids: read elsewhere, cut by the clock that fits, each piece once, broken ones told of."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest

from gen.config import Clock
from gen.corpus import midi_reading
from gen.corpus.documents import ReadingOptions
from gen.corpus.music_documents import MusicDocument
from gen.corpus.music_examination import MusicExamination, examine_music
from gen.corpus.token_corpus import TokenCorpus
from gen.corpus.worker import Worker
from gen.errors import CorpusError, MidiError, TokenizerError
from gen.music.midi_writer import midi_bytes
from gen.music.score import Note, Score, Tempo
from gen.progress import ReadingFiles
from gen.tokenizers import CharTokenizer, MidiTokenizer

OFF = 7  # ticks that a performer is late


def piece(number: int, *, late: int = 0, program: int = 0) -> Score:
    notes = [Note(240 * n + late * (n % 3), 200, 48 + (5 * n + number) % 30, 80, 0, program) for n in range(40)]
    return Score.of(480, [*notes, Tempo(0, 500_000 + number)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twenty pieces on the grid, in two folders."""
    for number in range(20):
        path = tmp_path / "tunes" / f"{number % 2}" / f"{number:02}.mid"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(midi_bytes(piece(number)).data)
    return tmp_path / "tunes"


def examined(folder: Path, options: ReadingOptions | None = None) -> MusicExamination:
    reading = examine_music([str(folder)], options or ReadingOptions())
    while True:
        try:
            assert isinstance(next(reading), ReadingFiles)
        except StopIteration as end:
            found: MusicExamination = end.value
            return found


def test_a_folder_becomes_ids_each_piece_behind_a_boundary(folder: Path) -> None:
    corpus = TokenCorpus.open(folder)
    tokenizer = corpus.tokenizer
    assert isinstance(tokenizer, MidiTokenizer) and tokenizer.clock == "beats"
    facts = corpus.provenance
    assert (facts["medium"], facts["documents"], facts["notes"], facts["clock"]) == ("music", 20, 800, "beats")
    ids = corpus.whole.read(0, corpus.whole.size)
    starts = np.flatnonzero(ids == tokenizer.boundary)
    pieces = [tokenizer.decode(part) for part in np.split(ids, starts)[1:]]
    files = sorted(folder.rglob("*.mid"))
    assert len(pieces) == len(files) == 20
    for decoded, path in zip(pieces, files, strict=True):
        assert np.array_equal(decoded.notes["pitch"], piece(int(path.stem)).notes["pitch"])
    assert corpus.train.extent.units + corpus.validation.extent.units == 800
    assert corpus.whole.extent.seconds == pytest.approx(sum(map(tokenizer.seconds, np.split(ids, starts)[1:])))


def test_what_a_performer_played_is_cut_by_seconds_and_either_clock_can_be_asked_for(folder: Path) -> None:
    for number in range(20):
        (folder / "0" / f"late-{number}.mid").write_bytes(midi_bytes(piece(number, late=OFF)).data)
    assert TokenCorpus.open(folder).provenance["clock"] == "seconds"
    clocks: tuple[Clock, ...] = ("seconds", "beats")
    for clock in clocks:
        assert TokenCorpus.open(folder, options=ReadingOptions(clock=clock)).provenance["clock"] == clock


def test_the_second_time_nothing_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = TokenCorpus.open(folder)
    monkeypatch.setattr("gen.corpus.music_corpus.read_pieces", None)
    for known in (None, first.tokenizer):  # as `gen train --resume` opens it
        again = TokenCorpus.open(folder, known=known)
        assert again.provenance == first.provenance
    assert np.array_equal(again.train.read(0, again.train.size), first.train.read(0, first.train.size))


def test_a_change_is_noticed_and_other_names_are_none(folder: Path) -> None:
    before = TokenCorpus.open(folder).provenance["checksum"]
    (folder / "0" / "00.mid").rename(folder / "0" / "000.mid")
    assert TokenCorpus.open(folder).provenance["checksum"] == before
    (folder / "0" / "000.mid").write_bytes(midi_bytes(piece(77)).data)
    assert TokenCorpus.open(folder).provenance["checksum"] != before


def test_adding_a_piece_moves_no_other_to_the_other_side(folder: Path) -> None:
    for number in range(20, 60):
        (folder / "1" / f"{number}.mid").write_bytes(midi_bytes(piece(number)).data)

    def held_out() -> set[bytes]:
        part = TokenCorpus.open(folder).validation
        return {part.ids[begin:end].tobytes() for begin, end in part.extents}

    before = held_out()
    (folder / "1" / "05b.mid").write_bytes(midi_bytes(piece(100)).data)
    assert before <= held_out()


def test_copies_are_dropped_and_told_of(folder: Path) -> None:
    (folder / "0" / "copy.mid").write_bytes(midi_bytes(piece(0)).data + b"trailing")
    corpus = TokenCorpus.open(folder)
    assert corpus.provenance["documents"] == 20
    (notice,) = [notice for notice in corpus.notices if "copy left out" in notice]
    assert "copy.mid is " in notice and "00.mid" in notice


def test_broken_files_are_left_out_with_their_reasons_or_stop_it(folder: Path) -> None:
    (folder / "0" / "broken.mid").write_bytes(b"<html>")
    (folder / "0" / "hollow.mid").write_bytes(b"")
    corpus = TokenCorpus.open(folder)
    assert corpus.provenance["documents"] == 20
    (notice,) = corpus.notices
    assert notice.startswith("2 files left out: ") and "broken.mid" in notice and "hollow.mid" in notice
    for _ in range(2):  # read, and from the cache
        with pytest.raises(MidiError, match=r"broken\.mid: .*leave --strict out"):
            TokenCorpus.open(folder, options=ReadingOptions(strict=True))


def test_a_corpus_without_enough_notes_says_why(tmp_path: Path) -> None:
    folder = tmp_path / "tunes"
    folder.mkdir()
    (folder / "short.mid").write_bytes(midi_bytes(Score.of(480, [Note(0, 9, 60, 64)])).data)
    (folder / "bad.mid").write_bytes(b"MThd")
    with pytest.raises(CorpusError, match=r"1 notes in 1 pieces; 1 file left out: .*bad.mid .*100 notes are needed"):
        TokenCorpus.open(folder)
    (folder / "short.mid").unlink()
    with pytest.raises(CorpusError, match="0 notes in 0 pieces"):
        TokenCorpus.open(folder)
    with pytest.raises(CorpusError, match="no piece can be read: 1 file left out"):
        examined(folder)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(CorpusError, match="no MIDI file in this folder"):
        TokenCorpus.open(empty, options=ReadingOptions(medium="music"))


def test_a_file_that_kills_its_reader_is_left_out_and_the_others_are_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fatal = folder / "0" / "06.mid"
    read = midi_reading._read_by

    def read_by(worker: Worker, document: MusicDocument) -> midi_reading.ReadPiece:
        if document.path == str(fatal):
            os.kill(worker.pid, signal.SIGKILL)
        return read(worker, document)

    monkeypatch.setattr(midi_reading, "_read_by", read_by)
    corpus = TokenCorpus.open(folder)
    assert corpus.provenance["documents"] == 19
    assert any("06.mid (its reader died of it" in notice for notice in corpus.notices)


def test_a_file_that_takes_for_ever_is_given_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(midi_reading, "_PATIENCE", 0.0)
    with pytest.raises(CorpusError, match="did not come to an end"):
        TokenCorpus.open(folder)


def test_a_model_keeps_its_clock_and_its_medium(folder: Path) -> None:
    by_seconds = MidiTokenizer("seconds")
    assert TokenCorpus.open(folder, known=by_seconds).provenance["clock"] == "seconds"
    with pytest.raises(TokenizerError, match="clock is 'beats'; the model counts in seconds"):
        TokenCorpus.open(folder, known=by_seconds, options=ReadingOptions(clock="beats"))
    with pytest.raises(TokenizerError, match="the corpus is music; the model's tokenizer is for text"):
        TokenCorpus.open(folder, known=CharTokenizer("abc"))


def test_statistics_of_the_training_part_go_with_the_model(folder: Path) -> None:
    statistics = TokenCorpus.open(folder).provenance["statistics"]
    assert statistics["note_density"]["count"] <= 20
    assert statistics["note_density"]["mean"] == pytest.approx(4.0, rel=0.05)  # quavers at 120
    assert statistics["polyphony"]["mean"] == pytest.approx(1.0)


def test_one_piece_alone_gives_its_end_to_validation(tmp_path: Path) -> None:
    path = tmp_path / "one.mid"
    notes = [Note(240 * n, 200, 48 + n * 7 % 30, 80) for n in range(300)]
    path.write_bytes(midi_bytes(Score.of(480, notes)).data)
    corpus = TokenCorpus.open(path)
    assert corpus.provenance["split"] == "tail"
    assert corpus.validation.extent.units == pytest.approx(30, abs=2)


def test_the_examination_tells_what_is_there(folder: Path) -> None:
    (folder / "0" / "violin.mid").write_bytes(midi_bytes(piece(3, program=40)).data)
    found = examined(folder)
    assert found.verdict == "little" and "840 notes in 21 pieces" in found.judgement()
    assert found.programs == {0: 20, 40: 1} and found.on_grid == 1.0
    assert found.train_tokens + found.validation_tokens == int(found.corpus.ids.lengths.sum())
    facts = found.to_dict()
    assert len(facts["pieces"]) == 21 and facts["pieces"][0]["notes"] == 40
