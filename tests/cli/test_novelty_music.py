"""`gen novelty` of MIDI files, and copies in `gen sample` of music: told of, and kept from."""

import json
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pretty_midi
import pytest

from gen.checkpoint import Checkpoint
from gen.cli.learned import novelty_of
from gen.music.midi_reader import read_midi
from gen.music.midi_writer import midi_bytes
from gen.music.score import Note, Score, Tempo
from gen.sampler import MusicSampler
from tests.cli.conftest import Gen, tune


@pytest.mark.parametrize(("name", "late"), [("grid", 0), ("played", 7)])
def test_a_copy_is_found_in_another_key_tempo_and_band(
    music: Gen, models: Path, tmp_path: Path, name: str, late: int
) -> None:
    novelty_pieces = [path.name for path in sorted((models / f"{name}-midi").iterdir())]
    notes = [replace(it, pitch=it.pitch + 3, program=40) for it in tune(0, late).pieces() if isinstance(it, Note)]
    path = tmp_path / "mine.mid"
    path.write_bytes(midi_bytes(Score.of(480, [*notes, Tempo(0, 625_000)])).data)
    result = music("novelty", str(path), "--run", name)
    shown = result.out.decode()
    assert result.code == 0
    assert "of unseen" not in shown and "unseen pieces" in shown
    told = json.loads(music("novelty", str(path), "--run", name, "--json").out)
    best = told["passages"][0]
    assert best["notes"] == told["rate"]["longest"] >= 40
    assert Path(best["source"]).name in novelty_pieces
    assert f"{best['notes']} notes" in shown and best["source"] in shown


def test_a_sample_ends_with_a_receipt(music: Gen, tmp_path: Path) -> None:
    out = ["-o", str(tmp_path / "a.mid")]
    result = music("sample", "grid", "--seconds", "5", "--seed", "5", *out)
    assert "copied: " in result.err and "(of unseen pieces: " in result.err
    assert "copied" not in music("sample", "grid", "--seconds", "5", "--no-novelty", *out).err


@pytest.mark.parametrize("search", [[], ["--beam", "2"], ["--best-of", "2"]])
@pytest.mark.parametrize("name", ["grid", "played"])
def test_no_copy_keeps_passages_out_of_what_is_written(
    music: Gen, models: Path, tmp_path: Path, name: str, search: list[str]
) -> None:
    path = tmp_path / "a.mid"
    settings = ["--seconds", "8", "--seed", "5", "--temp", "0.4", "-o", str(path)]
    result = music("sample", name, "--no-copy", "7", *settings, *search)
    assert result.code == 0
    novelty = novelty_of(Checkpoint.load(models / "runs" / name / "model.safetensors"))
    assert novelty.receipt(read_midi(path).score).rate.longest < 7  # type: ignore[arg-type]
    assert pretty_midi.PrettyMIDI(BytesIO(path.read_bytes())).instruments


def test_a_model_that_copies_is_kept_from_it_and_goes_on(models: Path) -> None:
    sampler = MusicSampler.load(models / "runs" / "grid" / "model.safetensors")
    novelty = novelty_of(sampler.checkpoint)
    pieces = sorted((models / "grid-midi").iterdir())
    copied = read_midi(pieces[0]).score.until(480 * 8)
    for length in (6, 12):
        guard = novelty.no_copy(length)
        made = sampler.sample(copied, seconds=6, seed=2, no_copy=guard).score
        assert len(made.notes) > 3
        assert novelty.receipt(made).rate.longest < length  # type: ignore[arg-type]


def test_what_is_too_short_is_refused(music: Gen) -> None:
    result = music("sample", "grid", "--no-copy", "5", "-o", "a.mid")
    assert (result.code, result.err) == (2, "gen: error: no_copy is 5; it must be 6 or more notes, for music\n")


def test_given_notes_that_are_a_copy_are_no_reason_to_end_early(music: Gen, models: Path, tmp_path: Path) -> None:
    melody = str(sorted((models / "grid-midi").iterdir())[0])
    free = music("sample", "grid", "--melody", melody, "-o", str(tmp_path / "a.mid"))
    assert free.code == 0
    held = music("sample", "grid", "--melody", melody, "--no-copy", "7", "-o", str(tmp_path / "b.mid"))
    assert held.code == 2
    assert held.err.endswith(
        "gen: error: nothing may follow what was written: what is asked of it cannot all be kept\n"
    )
    assert not (tmp_path / "b.mid").exists()
