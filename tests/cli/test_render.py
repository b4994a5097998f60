"""`gen render`: a MIDI file heard, seen and written again."""

import re
import wave
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from gen.cli.render import render
from gen.errors import ConfigError, MidiError
from gen.music.midi_reader import read_midi
from gen.music.midi_writer import write_midi
from gen.music.score import Note, Score

Render = Callable[..., str]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Render:
    """Run the command in a folder of the test's own; what it said on stderr."""
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    app.command()(render)

    def call(*arguments: str) -> str:
        capfd.readouterr()
        app(args=list(arguments), standalone_mode=False)
        said = capfd.readouterr()
        assert said.out == ""
        return said.err

    return call


@pytest.fixture
def tune(tmp_path: Path) -> Score:
    """A scale on the beats, in tune.mid."""
    score = Score.of(480, [Note(480 * k, 450, 60 + 2 * k, 80) for k in range(8)])
    write_midi(score, tmp_path / "tune.mid")
    return score


def test_a_tune_becomes_sound_and_picture_and_midi(run: Render, tune: Score, tmp_path: Path) -> None:
    said = run("tune.mid", "-o", "x.wav", "-o", "out/x.svg", "--output", "y.mid")
    assert said.splitlines() == ["wrote x.wav", f"wrote {Path('out/x.svg')}", "wrote y.mid"]
    with wave.open(str(tmp_path / "x.wav"), "rb") as sound:
        assert sound.getnframes() / 44_100 > tune.seconds_long
    assert "<title>tune</title>" in (tmp_path / "out" / "x.svg").read_text("utf-8")
    assert read_midi(tmp_path / "y.mid").score.notes.tolist() == tune.notes.tolist()


def test_what_is_on_the_beat_is_ruled_in_bars_and_else_in_seconds(run: Render, tune: Score, tmp_path: Path) -> None:
    def about(name: str) -> str:
        run(name, "-o", "x.svg")
        (line,) = re.findall(r'class="faint">([^<]*)<', (tmp_path / "x.svg").read_text("utf-8"))
        return str(line)

    write_midi(Score.of(480, [Note(487 * k + 7, 450, 60 + k, 80) for k in range(8)]), tmp_path / "free.mid")
    assert about("tune.mid") == "4.0 s · 8 notes · 2 bars · 4/4 · 120 bpm"
    assert about("free.mid") == "4.0 s · 8 notes"


def test_a_title_of_ones_own(run: Render, tune: Score, tmp_path: Path) -> None:
    run("tune.mid", "-o", "x.svg", "--title", "Do & re")
    assert "<title>Do &amp; re</title>" in (tmp_path / "x.svg").read_text("utf-8")


def test_quiet_says_nothing(run: Render, tune: Score) -> None:
    assert run("tune.mid", "-o", "x.svg", "-q") == ""


def test_what_the_reader_mended_is_said(run: Render, tune: Score, tmp_path: Path) -> None:
    (tmp_path / "cut.mid").write_bytes((tmp_path / "tune.mid").read_bytes()[:-12])
    warnings = read_midi(tmp_path / "cut.mid").warnings
    assert warnings
    assert run("cut.mid", "-o", "x.svg").splitlines() == [*(f"cut.mid: {w}" for w in warnings), "wrote x.svg"]


def test_a_file_without_notes_is_written_and_said(run: Render, tmp_path: Path) -> None:
    write_midi(Score(480), tmp_path / "empty.mid")
    assert "empty.mid: there are no notes in it" in run("empty.mid", "-o", "x.svg", "-o", "x.wav").splitlines()
    assert "No notes." in (tmp_path / "x.svg").read_text("utf-8")


def test_an_unknown_suffix_is_refused_before_anything_is_written(run: Render, tune: Score, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"x\.ogg: the suffix \.ogg is not known; music is written to \.mid"):
        run("tune.mid", "-o", "x.wav", "-o", "x.ogg")
    with pytest.raises(ConfigError, match="not known"):  # even where there is nothing to read
        run("missing.mid", "-o", "x.ogg")
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["tune.mid"]


def test_the_file_that_is_read_is_not_written_over(run: Render, tune: Score, tmp_path: Path) -> None:
    before = (tmp_path / "tune.mid").read_bytes()
    (tmp_path / "link.mid").symlink_to(tmp_path / "tune.mid")
    for target in ("tune.mid", "./tune.mid", "link.mid"):
        with pytest.raises(ConfigError, match="is the file that is read"):
            run("tune.mid", "-o", target)
    assert (tmp_path / "tune.mid").read_bytes() == before


def test_what_is_no_midi_file_is_named(run: Render, tmp_path: Path) -> None:
    (tmp_path / "page.mid").write_text("<html>not found</html>")
    with pytest.raises(MidiError, match=r"page\.mid"):
        run("page.mid", "-o", "x.wav")
    with pytest.raises(MidiError, match=r"missing\.mid"):
        run("missing.mid", "-o", "x.wav")
    assert not (tmp_path / "x.wav").exists()
