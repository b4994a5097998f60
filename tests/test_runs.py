import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gen.checkpoint import Checkpoint, TrainingState
from gen.config import ModelConfig, TrainConfig
from gen.errors import CheckpointError, ConfigError, StorageError
from gen.runs import Run, create_run, default_name, find_model, find_run, list_runs, name_of, runs_folder
from gen.storage import human_size, inside
from gen.tokenizers import CharTokenizer

on_posix = pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")


def checkpoint(*, step: int | None = None) -> Checkpoint:
    """A finished model, or the state of a training at `step`."""
    model = ModelConfig(vocabulary_size=2, cell="rnn", layers=1, hidden=1)
    weights = {name: np.ones(shape, "<f4") for name, shape in model.parameter_shapes().items()}
    training = None if step is None else TrainingState(TrainConfig(steps=9), step=step)
    return Checkpoint(model, CharTokenizer("ab"), weights, {}, training)


def make(folder: Path, name: str, *, age: float = 0, model: bool = True, resume: bool = True) -> Run:
    """A run that was last written `age` seconds before the newest there can be."""
    run = Run(folder / name)
    run.path.mkdir(parents=True)
    for path, there, content in (
        (run.model_path, model, checkpoint()),
        (run.resume_path, resume, checkpoint(step=3)),
    ):
        if there:
            content.save(path)
            os.utime(path, (2e9 - age, 2e9 - age))
    return run


HOLDER = """
import sys
from pathlib import Path
from gen.runs import create_run
run, lock = create_run(Path(sys.argv[1]), sys.argv[2] or None, "corpus")
print(run.name, flush=True)
sys.stdin.read()
"""


@contextmanager
def training_elsewhere(folder: Path, name: str = "") -> Iterator["subprocess.Popen[str]"]:
    """A process that has created a run and holds it."""
    command = [sys.executable, "-c", HOLDER, str(folder), name]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


# ── A new run ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_new_run_has_a_folder_of_its_own_and_holds_it(tmp_path: Path) -> None:
    run, lock = create_run(tmp_path / "deep" / "runs", "tolstoi", "corpus")
    with lock:
        assert run.path == tmp_path / "deep" / "runs" / "tolstoi"
        assert run.path.is_dir()
        assert not run.exists
        with pytest.raises(StorageError, match=f"process {os.getpid()} is training here"):
            run.lock()
    run.lock().release()


def test_a_default_name_is_numbered_past_all_that_is_there(tmp_path: Path) -> None:
    make(tmp_path, "corpus")
    (tmp_path / "corpus-2").mkdir()
    (tmp_path / "corpus-3").write_bytes(b"a file")
    names = []
    for _ in range(2):
        run, lock = create_run(tmp_path, None, "corpus")
        lock.release()
        names.append(run.name)
    assert names == ["corpus-4", "corpus-5"]
    assert (tmp_path / "corpus-3").read_bytes() == b"a file"


def test_many_at_once_never_share_a_default_name(tmp_path: Path) -> None:
    taken: list[str] = []
    failures: list[Exception] = []
    barrier = threading.Barrier(8)

    def take() -> None:
        barrier.wait()
        try:
            run, lock = create_run(tmp_path, None, "corpus")
        except Exception as error:
            failures.append(error)
        else:
            taken.append(run.name)
            lock.release()

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sorted(taken) == ["corpus", *(f"corpus-{number}" for number in range(2, 9))]


def test_an_explicit_name_is_not_given_twice(tmp_path: Path) -> None:
    make(tmp_path, "taken")
    before = sorted(path.name for path in (tmp_path / "taken").iterdir())
    with pytest.raises(ConfigError) as caught:
        create_run(tmp_path, "taken", "corpus")
    assert str(caught.value) == (
        f"run 'taken' exists in {tmp_path}: 'gen train --resume taken' goes on with it; or give another --name"
    )
    assert sorted(path.name for path in (tmp_path / "taken").iterdir()) in (before, [".lock", *before])
    Run(tmp_path / "taken").lock().release()  # the refusal holds nothing


def test_an_explicit_name_whose_training_never_began_is_free(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    run, lock = create_run(tmp_path, "empty", "corpus")
    lock.release()
    assert run.name == "empty"


def test_two_trainings_cannot_have_one_folder(tmp_path: Path) -> None:
    with training_elsewhere(tmp_path, "mine") as other:
        with pytest.raises(StorageError, match=f"process {other.pid} is training here: wait for it, stop it, or give"):
            create_run(tmp_path, "mine", "corpus")
        run, lock = create_run(tmp_path, None, "mine")
        lock.release()
        assert run.name == "mine-2"
        other.kill()
        other.wait()
        run, lock = create_run(tmp_path, "mine", "corpus")  # a killed training holds nothing
        lock.release()
        assert run.name == "mine"


@pytest.mark.parametrize(
    "name",
    ["../../x", "..", "/tmp/x", "a/b", "a\0b", "a\\b", "C:\\x", "", ".x", "-x", "nul", "COM1.txt", "a\n", "\udcff"],
    ids=ascii,
)
def test_a_name_that_leads_elsewhere_writes_nothing(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "runs"
    with pytest.raises(ConfigError, match="run name"):
        create_run(folder, name, "corpus")
    assert [path for path in tmp_path.rglob("*") if path != folder and path != folder.parent] == []


@on_posix
def test_a_link_out_of_the_folder_is_no_place_for_a_run(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "runs").mkdir()
    for name, target in (("link", tmp_path / "elsewhere"), ("dangling", tmp_path / "made-by-nobody")):
        (tmp_path / "runs" / name).symlink_to(target)
        with pytest.raises(ConfigError, match=f"run name '{name}' is a link to elsewhere"):
            create_run(tmp_path / "runs", name, "corpus")
    assert os.listdir(tmp_path / "elsewhere") == []
    assert not (tmp_path / "made-by-nobody").exists()


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"")
    for name in ("x", None):
        with pytest.raises(StorageError, match="cannot write"):
            create_run(tmp_path / "file", name, "corpus")

    def refuse(path: str, mode: int = 0o777) -> None:
        if os.path.isdir(path):
            raise FileExistsError(path)
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "mkdir", refuse)
    for name in ("x", None):
        with pytest.raises(StorageError, match=r"cannot write \(Permission denied; .* free there\)"):
            create_run(tmp_path, name, "corpus")


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("shakespeare.txt", "shakespeare"),
        ("/data/War and Peace.txt", "War-and-Peace"),
        ("corpus.tar.gz", "corpus"),
        ("folder/", "folder"),
        ("@python", "python"),
        ("@python/topics", "topics"),
        ("-", "corpus"),
        (".", "corpus"),
        ("..", "corpus"),
        ("/", "corpus"),
        ("", "corpus"),
        (".hidden", "corpus"),
        ("--help", "help"),
        ("日本語.txt", "corpus"),
        ("con.txt", "corpus"),
        ("Nul", "corpus"),
        ("a\0b.txt", "a-b"),
        ("x" * 300, "x" * 60),
    ],
)
def test_a_run_is_called_after_its_corpus(source: str, name: str) -> None:
    assert default_name(source) == name


@settings(derandomize=True, deadline=None, max_examples=300)
@given(source=st.text(st.characters() | st.sampled_from("./\\-@: ~\0"), max_size=20))
def test_every_corpus_gives_a_name_that_can_be_numbered(source: str) -> None:
    name = default_name(source)
    assert name.isascii()
    for numbered in (name, f"{name}-2", f"{name}-999"):
        assert inside(Path("runs"), numbered, "run name").name == numbered


# ── The first write ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_model_is_called_as_its_run_or_as_its_file() -> None:
    assert name_of(Path("runs/book/model.safetensors")) == name_of(Path("runs/book/resume.safetensors")) == "book"
    assert name_of(Path("shared/letters.safetensors")) == "letters.safetensors"


def test_a_run_begins_with_a_state_to_go_on_from(tmp_path: Path) -> None:
    run, lock = create_run(tmp_path, None, "corpus")
    with lock:
        run.begin(checkpoint(step=0))
    assert run.exists
    assert run.resume().to_bytes() == checkpoint(step=0).to_bytes()
    assert run.file() == run.resume_path  # all there is before the first validation


def test_a_run_does_not_begin_where_it_will_not_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, lock = create_run(tmp_path, None, "corpus")
    size = len(checkpoint(step=0).to_bytes())
    with lock:
        for share in (0, 1, 3):
            monkeypatch.setattr("gen.runs.free_space", lambda _path, free=share * size: free)
            with pytest.raises(StorageError) as caught:
                run.begin(checkpoint(step=0))
            sizes = f"{human_size(5 * size)} and {human_size(share * size)} are free: free some space"
            assert f"{run.path}: this run needs {sizes}" in str(caught.value)
            assert not run.exists
        monkeypatch.setattr("gen.runs.free_space", lambda _path: 10 * size)
        run.begin(checkpoint(step=0))
    assert run.exists


def test_a_folder_that_cannot_be_written_ends_it_before_it_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, lock = create_run(tmp_path, None, "corpus")

    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "replace", refuse)
    with lock, pytest.raises(StorageError, match=r"cannot write \(Read-only file system; .* free there\)"):
        run.begin(checkpoint(step=0))
    assert os.listdir(run.path) == [".lock"]


# ── Going on ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_without_a_state_there_is_nothing_to_go_on_from(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no resume.safetensors to go on from; start anew with 'gen train CORPUS'"):
        make(tmp_path, "a", resume=False).resume()


@pytest.mark.parametrize("damage", ["flipped", "truncated", "empty", "finished model"])
def test_a_damaged_state_is_told_with_what_is_intact(damage: str, tmp_path: Path) -> None:
    run = make(tmp_path, "a")
    data = bytearray(run.resume_path.read_bytes())
    data[-1] ^= 1
    damaged = {
        "flipped": bytes(data),
        "truncated": bytes(data[:-9]),
        "empty": b"",
        "finished model": checkpoint().to_bytes(),
    }
    run.resume_path.write_bytes(damaged[damage])
    with pytest.raises(CheckpointError) as caught:
        run.resume()
    assert str(caught.value).startswith(f"{run.resume_path}: ")
    hint = f"; {run.model_path} is intact: 'gen train CORPUS --init-from a' starts from it"
    assert str(caught.value).endswith(hint)
    for other in (b"not a model", None):
        if other is None:
            run.model_path.unlink()
        else:
            run.model_path.write_bytes(other)
        with pytest.raises(CheckpointError, match=r"; nothing else in this run can be read$"):
            run.resume()


# ── Finding runs ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Three runs, and what is not one."""
    folder = tmp_path / "runs"
    make(folder, "old", age=100)
    make(folder, "new", age=1)
    make(folder, "begun", age=50, model=False)
    make(folder, ".hidden")
    (folder / "empty").mkdir()
    (folder / "file").write_bytes(b"")
    return folder


def test_runs_are_listed_newest_first(runs: Path) -> None:
    assert [run.name for run in list_runs(runs)] == ["new", "begun", "old"]
    os.utime(Run(runs / "old").resume_path, (2e9, 2e9))
    assert [run.name for run in list_runs(runs)] == ["old", "new", "begun"]
    assert [run.name for run in list_runs(runs / "missing")] == []
    assert [run.name for run in list_runs(runs / "file")] == []


def test_runs_of_the_same_moment_are_in_order_of_name(tmp_path: Path) -> None:
    for name in "cab":
        make(tmp_path, name)
    assert [run.name for run in list_runs(tmp_path)] == ["a", "b", "c"]


def test_a_run_is_found_by_name_by_path_or_as_the_newest(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_run(None, runs).name == "new"
    assert find_run("old", runs).path == runs / "old"
    assert find_run("old/", runs).path == runs / "old"
    assert find_run(str(runs / "old"), Path("elsewhere")).path == runs / "old"
    monkeypatch.chdir(runs.parent)
    assert find_run("runs/old", Path("runs")).path == Path("runs/old")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("odl", r"no run 'odl' in .*: did you mean old\?"),
        ("xyz", "no run 'xyz' in .*: 'gen ls' lists the 3 there are"),
        ("empty", "no run 'empty'"),
        (".hidden", r"no run '\.hidden'"),
        ("", "no run ''"),
        (".", r"no run '\.'"),
        ("../..", r"no run '\.\./\.\.'"),
        ("/etc", "no run '/etc'"),
        ("a\0b", r"no run 'a\\x00b'"),
        ("x" * 5000, "no run"),
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_what_is_not_found_is_told_with_what_is_near(name: str, said: str, runs: Path) -> None:
    for find in (find_run, find_model):
        with pytest.raises(ConfigError, match=said):
            find(name, runs)


def test_where_there_is_no_run_the_way_to_one_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no run in .*: train one with 'gen train CORPUS', or 'gen train @python'"):
        find_run(None, tmp_path)


def test_a_model_is_the_best_one_the_last_one_or_any_file(runs: Path) -> None:
    new, begun = Run(runs / "new"), Run(runs / "begun")
    assert find_model(None, runs) == new.model_path
    assert find_model("new", runs, last=True) == new.resume_path
    assert find_model("begun", runs) == begun.resume_path
    assert find_model(str(new.model_path), Path("elsewhere")) == new.model_path
    assert new.checkpoint().training is None
    assert new.checkpoint(last=True).training is not None
    assert begun.checkpoint().training is not None


def test_runs_live_where_the_user_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GEN_CHECKPOINTS", raising=False)
    assert runs_folder() == runs_folder("") == Path("checkpoints")
    monkeypatch.setenv("GEN_CHECKPOINTS", "/models")
    assert runs_folder() == Path("/models")
    assert runs_folder("given") == Path("given")


def test_the_files_of_a_run_are_called_what_the_documentation_says(tmp_path: Path) -> None:
    run = Run(tmp_path / "a")
    paths = (run.model_path, run.resume_path, run.metrics_path, run.card_path)
    assert [path.name for path in paths] == ["model.safetensors", "resume.safetensors", "metrics.jsonl", "README.md"]
    assert {path.parent for path in paths} == {run.path}
    assert (run.exists, run.modified) == (False, 0.0)
