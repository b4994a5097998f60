"""Where music goes to, by suffix, and what is refused before any work is done."""

import wave
from pathlib import Path

import pytest

from gen.cli.saving import MUSIC_SUFFIXES, check_outputs, save_music
from gen.errors import ConfigError, StorageError
from gen.music.midi_reader import read_midi
from gen.music.score import Note, Pedal, Score

SCORE = Score.of(480, [Note(0, 480, 60, 80), Note(480, 480, 64, 80), Pedal(0, 0, True), Pedal(900, 0, False)])


def refused(*paths: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        check_outputs(paths)
    return str(caught.value)


def test_known_suffixes_pass_in_any_case() -> None:
    check_outputs([Path(f"tune{suffix}") for suffix in MUSIC_SUFFIXES])
    check_outputs([Path("a/B.WAV"), Path("a/b.Mid"), Path("b.wav")])
    check_outputs([])


def test_other_suffixes_are_refused_with_those_that_are_known(tmp_path: Path) -> None:
    assert refused(Path("x.wav"), Path("x.mp3")) == (
        "x.mp3: the suffix .mp3 is not known; music is written to .mid, .midi, .wav or .svg"
    )
    assert refused(Path("tune")).startswith("tune: it has no suffix; music is written to .mid")
    assert refused(Path(".wav")).startswith(".wav: it has no suffix")


def test_a_folder_and_a_path_given_twice_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.wav").mkdir()
    assert "x.wav is a folder" in refused(tmp_path / "x.wav")
    assert refused(Path("a/x.svg"), Path("a/../a/x.svg")).endswith("x.svg is given twice: give each output once")


def test_each_suffix_has_its_form(tmp_path: Path) -> None:
    for suffix in MUSIC_SUFFIXES:
        assert save_music(SCORE, tmp_path / "new" / f"x{suffix}", title="Two & two", beats=True, names=["Hand"]) == ()
    for suffix in (".mid", ".midi"):
        again = read_midi(tmp_path / "new" / f"x{suffix}").score
        assert again.notes.tolist() == SCORE.notes.tolist() and again.pedals.tolist() == SCORE.pedals.tolist()
    with wave.open(str(tmp_path / "new" / "x.wav"), "rb") as sound:
        assert sound.getnframes() > 44_100
    picture = (tmp_path / "new" / "x.svg").read_text("utf-8")
    assert "Two &amp; two" in picture and "Hand (acoustic grand piano)" in picture and "1 bar" in picture
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["x.mid", "x.midi", "x.svg", "x.wav"]


@pytest.mark.parametrize("suffix", MUSIC_SUFFIXES)
def test_a_disk_that_refuses_leaves_what_was_there(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / f"x{suffix}"
    target.write_bytes(b"old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gen.storage.os.fsync", full)
    with pytest.raises(StorageError, match=r"No space left on device.*free some space"):
        save_music(SCORE, target)
    assert [path.name for path in tmp_path.iterdir()] == [target.name]
    assert target.read_bytes() == b"old"
