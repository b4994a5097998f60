"""Music through the front door: from a folder of MIDI files to a file for the DAW, with the commands that text has."""

import json
import os
import subprocess
from io import BytesIO
from pathlib import Path

import mido
import numpy as np
import pretty_midi
import pytest
import symusic

from gen.checkpoint import Checkpoint
from gen.decoding.beam_steps import Search
from gen.music.midi_reader import read_midi
from gen.music.midi_writer import midi_bytes
from gen.music.score import Piece
from gen.sampler import MusicStream
from tests.cli.conftest import SMALL, STEPS, Gen, process, tune, write_tunes


def notes_in_three_readers(data: bytes) -> list[int]:
    parsed = mido.MidiFile(file=BytesIO(data))
    messages = [message for track in parsed.tracks for message in track if message.type == "note_on"]
    return [
        sum(len(part.notes) for part in pretty_midi.PrettyMIDI(BytesIO(data)).instruments),
        len([message for message in messages if message.velocity > 0]),
        sum(len(track.notes) for track in symusic.Score.from_midi(data).tracks),  # type: ignore[attr-defined, misc]
    ]


def test_what_a_run_learned_and_how_well_is_on_record(music: Gen, models: Path) -> None:
    record = json.loads(music("show", "grid", "--json").out)
    assert record["tokenizer"] == {"kind": "midi", "symbols": record["vocabulary_size"]}
    assert record["corpus"]["clock"] == "beats" and record["corpus"]["programs"] == [0, 73]
    assert {"nats_per_token", "nats_per_note", "bits_per_second", "protocol"} <= set(record["validation"])
    assert record["baseline"]["model"] == "Witten-Bell bigram"
    assert Checkpoint.load(models / "runs" / "played" / "model.safetensors").tokenizer.to_dict()["clock"] == "seconds"
    listed = music("ls").out.decode()
    assert "music" in listed and "nats/note" in listed
    card = (models / "runs" / "grid" / "README.md").read_text("utf-8")
    assert "notes" in card and "nats a note" in card and "gen sample grid -o tune.mid" in card


@pytest.mark.parametrize("name", ["grid", "played"])
def test_a_sample_becomes_midi_sound_and_picture(music: Gen, tmp_path: Path, name: str) -> None:
    paths = [tmp_path / "deep" / f"a.{suffix}" for suffix in ("mid", "wav", "svg")]
    result = music("sample", name, "--seconds", "6", "--seed", "5", *(f"-o{path}" for path in paths))
    assert result.code == 0 and result.out == b""
    assert all(f"wrote {path}" in result.err for path in paths)
    midi, wav, svg = (path.read_bytes() for path in paths)
    counts = notes_in_three_readers(midi)
    assert counts[0] == counts[1] == counts[2] > 0
    assert wav[:4] == b"RIFF" and svg.startswith(b"<svg") and b"seed 5" in svg
    assert music("sample", name, "--seconds", "6", "--seed", "5", "-q", f"-o{tmp_path / 'b.mid'}").err == ""
    assert (tmp_path / "b.mid").read_bytes() == midi, "a seed gives the same bytes"
    piped = music("sample", name, "--seconds", "6", "--seed", "5", "-q")
    assert piped.out == midi, "and so does stdout"


def test_samples_are_numbered_and_each_is_a_stream_of_the_seed(music: Gen, tmp_path: Path) -> None:
    assert music("sample", "grid", "--bars", "2", "--seed", "1", "--samples", "3", f"-o{tmp_path / 'a.mid'}").code == 0
    pieces = [(tmp_path / f"a-{number}.mid").read_bytes() for number in (1, 2, 3)]
    assert len(set(pieces)) == 3
    assert music("sample", "grid", "--bars", "2", "--seed", "1", "--stream", "2", "-q").out == pieces[2]
    refused = music("sample", "grid", "--samples", "2")
    assert refused.code == 2 and "one MIDI file fits on stdout" in refused.err


def test_json_has_the_notes_in_seconds(music: Gen) -> None:
    result = music("sample", "played", "--seconds", "4", "--seed", "3", "--samples", "2", "--json", "-q")
    first, second = map(json.loads, result.out.splitlines())
    assert (first["seed"], first["stream"], second["stream"]) == (3, 0, 1)
    for note in first["notes"]:
        assert 0 <= note["start"] and note["start"] + note["duration"] <= 4.001
        assert set(note) == {"start", "duration", "pitch", "velocity", "track", "program", "drum"}


@pytest.mark.parametrize("kind", ["deterministic", "stochastic", "diverse"])
@pytest.mark.parametrize("name", ["grid", "played"])
def test_a_beam_writes_valid_music_that_is_more_than_one_note(music: Gen, tmp_path: Path, name: str, kind: str) -> None:
    out = tmp_path / "out.mid"
    arguments = ["sample", name, "--beam", "4", "--beam-kind", kind, "--seconds", "8", "--seed", "2", f"-o{out}"]
    result = music(*arguments)
    assert result.code == 0 and result.out == b"" and f"wrote {out}" in result.err
    counts = notes_in_three_readers(out.read_bytes())
    assert counts[0] == counts[1] == counts[2] > 3
    assert len(set(read_midi(out).score.notes["pitch"].tolist())) > 1
    written = out.read_bytes()
    assert music(*arguments, "-q").err == "" and out.read_bytes() == written
    several = music(*arguments[:-1], "--return", "3", "--json", "-q").out.decode().splitlines()
    facts = [json.loads(line) for line in several]
    assert len(facts) == 3 and all({"notes", "score", "log_probability"} <= set(it) for it in facts)
    refused = music(*arguments[:-1], "--return", "3")
    assert refused.code == 2 and "--return is 3; one MIDI file fits on stdout" in refused.err


@pytest.mark.parametrize("rank", ["mean", "likelihood", "statistics"])
def test_the_best_of_several_pieces_with_the_scores_of_all(music: Gen, rank: str) -> None:
    arguments = ["sample", "grid", "--bars", "2", "--seed", "1"]
    best = ["--best-of", "3", "--rank", rank]
    found = [json.loads(line) for line in music(*arguments, *best, "--return", "3", "--json", "-q").out.splitlines()]
    assert [it["score"] for it in found] == sorted((it["score"] for it in found), reverse=True)
    assert all(it["scores"][it["stream"]] == it["score"] for it in found)
    assert music(*arguments, *best, "-q").out == music(*arguments, "--stream", str(found[0]["stream"]), "-q").out


def test_a_beam_that_is_stopped_is_kept(music: Gen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = Search.advance

    def stop(search: Search) -> list[int]:
        if len(search.tree.trunk) > 60:
            raise KeyboardInterrupt
        return step(search)

    monkeypatch.setattr(Search, "advance", stop)
    arguments = ["--beam", "3", "--beam-lag", "8", "--seconds", "600", "--json", f"-o{tmp_path / 'a.mid'}"]
    result = music("sample", "played", *arguments)
    assert result.code == 130 and "stopped; what had come is kept" in result.err
    assert len(read_midi(tmp_path / "a.mid").score.notes) > 5
    assert "score" not in json.loads(result.out)


def test_json_goes_to_a_file_beside_the_music(music: Gen, tmp_path: Path) -> None:
    arguments = ["--bars", "1", "--seed", "2", "--json", f"-o{tmp_path / 'a.jsonl'}", f"-o{tmp_path / 'a.mid'}"]
    result = music("sample", "grid", "--samples", "2", *arguments)
    assert result.code == 0 and result.out == b""
    assert len((tmp_path / "a.jsonl").read_text("utf-8").splitlines()) == 2
    assert (tmp_path / "a-1.mid").exists() and (tmp_path / "a-2.mid").exists()


def test_a_piece_that_is_stopped_is_kept(music: Gen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = MusicStream.__next__

    def stop(stream: MusicStream) -> Piece:
        if stream.tokens > 60:
            raise KeyboardInterrupt
        return draw(stream)

    monkeypatch.setattr(MusicStream, "__next__", stop)
    result = music("sample", "played", "--seconds", "600", "--seed", "1", "--samples", "3", f"-o{tmp_path / 'a.mid'}")
    assert result.code == 130 and "stopped; what had come is kept" in result.err
    assert len(read_midi(tmp_path / "a-1.mid").score.notes) > 5
    assert not (tmp_path / "a-2.mid").exists()


def test_in_a_terminal_no_file_is_written_over(music: Gen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    for _ in range(2):
        assert music("sample", "grid", "--bars", "1", "--seed", "3", "-q").code == 0
    assert {path.name for path in tmp_path.glob("*.mid")} == {"grid-3.mid", "grid-3-v2.mid"}


def test_a_band_that_the_model_cannot_know_is_told_of(music: Gen) -> None:
    told = music("sample", "grid", "--bars", "1", "--instruments", "violin, viola, cello").err
    assert "--instruments names 3; this model learned pieces of 2 tracks at most" in told
    refused = music("sample", "grid", "--instruments", "drums")
    assert refused.code == 2 and "drums, which this model never met" in refused.err


def test_a_full_stdout_is_said_in_a_line(music: Gen, models: Path) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full on this system")
    with open("/dev/full", "wb") as full:
        command = process(
            "sample", str(models / "runs" / "grid" / "model.safetensors"), "--bars", "1", "-q", stdout=full
        )
        assert b"gen: error: stdout: cannot write (No space left on device)" in command.communicate()[1]
    assert command.returncode == 1


def test_on_from_a_prompt(music: Gen, tmp_path: Path) -> None:
    prompt = tmp_path / "mine.mid"
    prompt.write_bytes(midi_bytes(tune(3)).data)
    arguments = ["sample", "grid", "-p", str(prompt), "--from", "0:03", "--seconds", "4", "--seed", "2", "-q"]
    alone = read_midi(music(*arguments, "--no-keep-prompt").out).score
    kept = read_midi(music(*arguments, "--keep-prompt").out).score
    before = kept.notes[kept.notes["start"] < 6 * 480]
    assert np.array_equal(np.sort(before["pitch"]), np.sort(tune(3).until(6 * 480).notes["pitch"]))
    assert len(kept.notes) == len(before) + len(alone.notes)
    piped = process(
        "sample", "grid", "-p", "-", "--from", "3", "--seconds", "4", "--seed", "2", "-q", stdin=subprocess.PIPE
    )
    assert read_midi(piped.communicate(prompt.read_bytes())[0]).score == alone


@pytest.mark.parametrize(
    ("arguments", "code", "needle"),
    [
        (["grid", "-p", "nowhere.mid"], 3, "nowhere.mid"),
        (["grid", "-p", "bad.mid"], 3, "bad.mid"),
        (["grid", "--from", "0:30"], 2, "--from says where in the prompt"),
        (["grid", "-p", "good.mid", "--from", "half"], 2, "--from is 'half'"),
        (["grid", "-p", "good.mid", "--from", "9:00"], 2, "a moment of the prompt, which lasts 12.0 s"),
        (["grid", "-o", "a.mp3"], 2, "the suffix .mp3 is not known"),
        (["grid", "-o", "a.txt", "-o", "a.mid"], 2, "the suffix .txt is not known"),
        (["grid", "-n", "50"], 2, "-n: of no use to a model that writes music"),
        (["grid", "--stop", "x"], 2, "--stop"),
        (["played", "--bars", "4"], 2, "this model counts in seconds"),
        (["played", "--bpm", "90"], 2, "this model counts in seconds"),
        (["grid", "--key", "H"], 2, "key 'H'"),
        (["grid", "--range", "C3"], 2, "range 'C3'"),
        (["grid", "--instruments", "kazoo"], 2, "kazoo"),
        (["grid", "--max-silence", "0"], 2, "max_silence"),
        (["grid", "--seconds", "nan"], 2, "seconds"),
        (["--stop", "x"], 2, "no run that writes text"),
    ],
)
def test_mistakes_get_one_line_and_a_code(
    music: Gen, tmp_path: Path, arguments: list[str], code: int, needle: str
) -> None:
    (tmp_path / "bad.mid").write_bytes(b"MThd")
    (tmp_path / "good.mid").write_bytes(midi_bytes(tune(1)).data)
    result = music("sample", *arguments)
    assert result.code == code and result.out == b""
    assert result.err.count("\n") == 1 and result.err.startswith("gen: error: ") and needle in result.err
    assert not list(tmp_path.glob("a.*"))


def test_the_flags_choose_the_medium(gen: Gen, models: Path, tmp_path: Path) -> None:
    folder = Path(os.environ["GEN_CHECKPOINTS"])
    data = (models / "runs" / "grid" / "model.safetensors").read_bytes()
    (folder / "grid").mkdir()
    (folder / "grid" / "model.safetensors").write_bytes(data)
    os.utime(folder / "grid" / "model.safetensors", (1, 1))  # the text model is newer
    assert "grid: " in gen("sample", "--bars", "1", f"-o{tmp_path / 'a.mid'}").err
    assert gen("sample", "-n", "20").out.decode("utf-8") != ""
    refused = gen("sample", "tiny", "--key", "C")
    assert refused.code == 2 and "--key: of no use to a model that writes text" in refused.err
    refused = gen("sample", "tiny", f"-o{tmp_path / 'b.mid'}")
    assert refused.code == 2 and "b.mid: of no use" in refused.err and not (tmp_path / "b.mid").exists()


def test_the_doctor_looks_at_music(music: Gen, models: Path, tmp_path: Path) -> None:
    folder = write_tunes(tmp_path / "here", 3)
    (folder / "copy.mid").write_bytes((folder / "00.mid").read_bytes())
    (folder / "broken.mid").write_bytes(b"RIFF")
    told = music("doctor", str(folder)).out.decode()
    for expected in (
        "4 of 5 files, 1 copy of others", "3 pieces, 180 notes", "100.0% of the onsets", "cut by beats",
        "flute in 3", "120 beats a minute", "01.mid", "broken.mid", "too little to learn much",
    ):  # fmt: skip
        assert expected in told, told
    facts = json.loads(music("doctor", str(folder), "--json").out)
    assert facts["medium"] == "music" and facts["clock"] == "beats" and len(facts["pieces"]) == 3
    assert facts["left_out"][0]["first"].endswith("broken.mid")
    strict = music("doctor", str(folder), "--strict")
    assert strict.code == 3 and "broken.mid" in strict.err


def test_a_folder_of_both_is_asked_about(music: Gen, tmp_path: Path) -> None:
    folder = write_tunes(tmp_path / "both", 3)
    (folder / "words.txt").write_text("la la la " * 60, "utf-8")
    asked = music("train", str(folder), *STEPS)
    assert asked.code == 3 and "--medium music or --medium text" in asked.err
    options = [*STEPS, "--out", str(tmp_path / "runs")]
    assert music("train", str(folder), "--medium", "text", *options, "--name", "words").code == 0
    assert music("train", str(folder), "--medium", "music", *options, "--name", "notes").code == 0


def test_a_run_is_resumed_exactly_with_its_pieces_varied(music: Gen, models: Path, tmp_path: Path) -> None:
    settings = [str(models / "played-midi"), *SMALL, "-S", "train.transpose=5", "-S", "train.stretch=0.05"]
    settings += ["--out", str(tmp_path / "runs")]
    assert music("train", *settings, "--steps", "40", "--name", "whole").code == 0
    begun = process("train", *settings, "--steps", "40", "--name", "killed")
    log = tmp_path / "runs" / "killed" / "metrics.jsonl"
    while begun.poll() is None and not (log.exists() and log.read_text("utf-8").count("\n")):
        pass
    begun.kill()
    begun.communicate()
    resumed = music("train", "--resume", "killed", "--out", str(tmp_path / "runs"))
    assert resumed.code == 0
    one, other = (Checkpoint.load(tmp_path / "runs" / name / "resume.safetensors") for name in ("whole", "killed"))
    for name, weights in one.weights.items():
        assert np.array_equal(weights, other.weights[name]), name


def test_evaluation(music: Gen, models: Path, tmp_path: Path) -> None:
    found = json.loads(music("eval", "grid", "--samples", "3", "--seconds", "5", "--json").out)
    losses = found["losses"]
    assert set(losses["baselines"]) == {"unigram", "bigram"}
    assert set(losses["model"]) == {"nats_per_token", "nats_per_note", "bits_per_second", "perplexity_per_token"}
    recorded = json.loads(music("show", "grid", "--json").out)["validation"]["nats_per_token"]
    assert losses["model"]["nats_per_token"] == pytest.approx(recorded, abs=1e-6)
    assert {it["metric"] for it in found["statistics"]} >= {
        "pitch_class_entropy", "scale_consistency", "groove", "polyphony", "note_density", "silence",
    }  # fmt: skip
    told = music("eval", "grid", str(models / "grid-midi")).out.decode()
    assert "bigram" in told and "pitch class entropy" in told and "one stateful pass" in told
    itself = json.loads(music("eval", "grid", str(models / "grid-midi"), "--json").out)["statistics"]
    assert all(it["distance"] is None or it["distance"] < 1 for it in itself)


def test_evaluation_without_the_corpus_says_so(music: Gen, models: Path, tmp_path: Path) -> None:
    moved = tmp_path / "model.safetensors"
    checkpoint = Checkpoint.load(models / "runs" / "grid" / "model.safetensors")
    record = {**checkpoint.provenance["corpus"], "sources": ["/nowhere/at/all"]}
    provenance = {**checkpoint.provenance, "corpus": record}
    Checkpoint(checkpoint.model, checkpoint.tokenizer, checkpoint.weights, provenance).save(moved)
    result = music("eval", str(moved), "--samples", "2", "--seconds", "3")
    assert result.code == 0 and "corpus not available" in result.err and "groove" in result.out.decode()


def test_text_is_evaluated_in_the_ids_of_the_model_alone(gen: Gen, text_file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "several"
    folder.mkdir()
    text = text_file.read_text("utf-8")
    for number in range(2):
        (folder / f"{number}.txt").write_text(text, "utf-8")
    one = json.loads(gen("eval", "tiny", str(text_file), "--json").out)["losses"]["model"]["nats_per_token"]
    both = json.loads(gen("eval", "tiny", str(folder), "--json").out)["losses"]["model"]["nats_per_token"]
    assert both == pytest.approx(one, rel=0.02), "the model knows no boundary, so there is none"
    text_file.write_text("☃" + text, "utf-8")
    refused = gen("eval", "tiny", str(text_file))
    assert refused.code == 3 and "☃" in refused.err


def test_text_is_evaluated_too(gen: Gen, text_file: Path) -> None:
    told = gen("eval", "tiny", str(text_file)).out.decode()
    assert "bits/character" in told and "bits/byte" in told and "xz" in told and "cold" in told
    assert "dynamic" not in told
    assert "dynamic evaluation (Krause 2018)" in gen("eval", "tiny", str(text_file), "--dynamic").out.decode()
    refused = gen("eval", "tiny", "--samples", "3")
    assert refused.code == 2 and "this model writes text" in refused.err


def test_a_piece_has_what_was_wished_for(music: Gen, tmp_path: Path) -> None:
    given = tune(1)
    (tmp_path / "given.mid").write_bytes(midi_bytes(given).data)
    for name, flags in (("grid", ["--best-of", "2"]), ("played", [])):
        result = music("sample", name, "--melody", "given.mid", "--seed", "1", "-q", "-o", "new.mid", *flags)
        assert result.code == 0, result.err
        new = read_midi(tmp_path / "new.mid").score
        line = given.notes[given.notes["track"] == 0]
        starts = {round(float(it), 2) for it in new.seconds(new.notes["start"])}
        assert {round(float(it), 2) for it in given.seconds(line["start"])} <= starts
        for other in ("--rhythm", "--humanise"):
            assert music("sample", name, other, "given.mid", "--seed", "1", "-q", "-o", "same.mid").code == 0
            assert len(read_midi(tmp_path / "same.mid").score.notes) == len(given.notes)
        assert music("sample", name, "--pitches", "C4 E4 G4", "--seed", "1", "-q", "-o", "up.mid").code == 0
    flags = ["--meter", "3/4", "--bars", "2", "--key", "D", "--end-on-tonic", "--seed", "1"]
    assert music("sample", "grid", *flags, "-q", "-o", "waltz.mid").code == 0
    waltz = read_midi(tmp_path / "waltz.mid").score
    assert waltz.time_signatures.tolist() == [(0, 3, 4)] and int(waltz.notes["pitch"][-1]) % 12 == 2


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (["--meter", "3/4"], "counts in seconds"),
        (["--end-on-tonic"], "needs to know the key"),
        (["--melody", "given.mid", "--range", "C1:D1"], "which is outside the range C1:D1"),
        (["--melody", "given.mid", "--bars", "4"], "bars does not go with melody"),
        (["--pitches", "C4 H4"], "'H4'"),
        (["--rhythm", "missing.mid"], "missing.mid"),
    ],
)
def test_wishes_that_cannot_be_had_are_refused_in_a_line(
    music: Gen, tmp_path: Path, flags: list[str], reason: str
) -> None:
    (tmp_path / "given.mid").write_bytes(midi_bytes(tune(1)).data)
    refused = music("sample", "played", *flags, "-q")
    assert refused.code in (2, 3) and reason in refused.err and refused.err.count("\n") == 1
