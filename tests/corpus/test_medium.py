"""Text or music: told by the files, asked about where they are both."""

from pathlib import Path

import pytest

from gen.corpus.medium import medium_of
from gen.errors import CorpusError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.mid", "b/c.MIDI", "b/d.kar"):
        path = tmp_path / "tunes" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"MThd")
    return tmp_path / "tunes"


def test_midi_files_are_music_wherever_they_are_named(folder: Path) -> None:
    assert medium_of([str(folder)]) == "music"
    assert medium_of([str(folder / "a.mid")]) == "music"
    assert medium_of([str(folder / "*.mid")]) == "music"
    assert medium_of(["@composer"]) == medium_of(["@tunes", str(folder)]) == medium_of(["@pop909"]) == "music"


def test_all_else_is_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("words", "utf-8")
    assert medium_of([str(tmp_path)]) == medium_of(["-"]) == medium_of(["@python"]) == "text"
    assert medium_of([str(tmp_path / "missing")]) == "text"  # whose reader says that it is not there


def test_files_that_are_neither_do_not_matter(folder: Path) -> None:
    (folder / "cover.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    (folder / "archive.zip").write_bytes(b"PK\x03\x04" + bytes(100))
    assert medium_of([str(folder)]) == "music"


def test_a_folder_of_both_is_asked_about(folder: Path) -> None:
    (folder / "words.txt").write_text("la la la", "utf-8")
    with pytest.raises(
        CorpusError, match=r"music \(3 MIDI files, such as .*a.mid\) and text \(1 file, such as"
    ) as raised:
        medium_of([str(folder)])
    assert "--medium music or --medium text" in str(raised.value)
    with pytest.raises(CorpusError, match="both"):
        medium_of([str(folder / "a.mid"), str(folder / "words.txt")])
    with pytest.raises(CorpusError, match="both"):
        medium_of(["@python", "@tunes"])
