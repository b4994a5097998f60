"""Run folders: what a training leaves, under one name.

<folder>/<run>/model.safetensors     the best model: one file to share
<folder>/<run>/resume.safetensors    the last state, to go on from
<folder>/<run>/metrics.jsonl         one line per logged event
<folder>/<run>/README.md             model card
"""

import contextlib
import difflib
import itertools
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from gen.checkpoint import Checkpoint, ClassifierCheckpoint, Task, task_of
from gen.config import Medium
from gen.errors import CheckpointError, ConfigError, GenError, StorageError
from gen.storage import FolderLock, atomic_write, free_space, human_size, inside, is_plain, make_folder, refused
from gen.tokenizers import MEDIA

MODEL = "model.safetensors"
RESUME = "resume.safetensors"

FileT = TypeVar("FileT", Checkpoint, ClassifierCheckpoint)
_COMMANDS: dict[Task, str] = {"language model": "gen train", "classifier": "gen classify train"}


@dataclass(frozen=True, slots=True)
class Run:
    """One run's folder."""

    path: Path

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.name

    @property
    def model_path(self) -> Path:
        """The best model."""
        return self.path / MODEL

    @property
    def resume_path(self) -> Path:
        """The last state."""
        return self.path / RESUME

    @property
    def metrics_path(self) -> Path:
        """The log."""
        return self.path / "metrics.jsonl"

    @property
    def card_path(self) -> Path:
        """The model card."""
        return self.path / "README.md"

    @property
    def exists(self) -> bool:
        """Whether there is anything to lose in it."""
        return os.path.exists(self.model_path) or os.path.exists(self.resume_path)  # Path.exists raises for long names

    @property
    def medium(self) -> Medium | None:
        """What its model writes; None if it cannot be read."""
        try:
            return MEDIA.get(Checkpoint.describe(self.file())["tokenizer"]["kind"])
        except GenError:
            return None

    @property
    def task(self) -> Task | None:
        """What its model is for; None if it cannot be read."""
        try:
            return task_of(self.file())
        except GenError:
            return None

    @property
    def modified(self) -> float:
        """When it was last written, in seconds since the epoch."""
        times = [path.stat().st_mtime for path in (self.model_path, self.resume_path) if path.exists()]
        return max(times, default=0.0)

    def lock(self) -> FolderLock:
        """Hold the folder for writing (`StorageError`: another process trains in it)."""
        return FolderLock(self.path)

    def checkpoint(self, *, last: bool = False) -> Checkpoint:
        """The best model, or the last state (which is all there is before the first validation)."""
        return Checkpoint.load(self.file(last=last))

    def file(self, *, last: bool = False) -> Path:
        """The file that `checkpoint` reads."""
        return self.resume_path if last or not self.model_path.exists() else self.model_path

    def begin(self, checkpoint: Checkpoint | ClassifierCheckpoint) -> None:
        """Write the state at step 0, if the disk has room for it and for what follows.

        Raises:
            StorageError: it has not, or the folder cannot be written.
        """
        data = checkpoint.to_bytes()
        needed = 5 * len(data)  # the optimizer's memory makes it three times as large; a replaced file lives twice
        available = free_space(self.path)
        if available < needed:
            raise StorageError(
                f"{self.path}: this run needs {human_size(needed)} and {human_size(available)} are free: free some "
                "space, or choose another folder with --out"
            )
        atomic_write(self.resume_path, data)

    def discard(self) -> None:
        """Remove the folder and all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)

    def resume(self) -> Checkpoint:
        """The state of a language model to go on from.

        Raises:
            ConfigError: nothing was saved, or what was is no language model.
            CheckpointError: it is damaged, or no state; the message names what is intact.
        """
        return self._resume(Checkpoint)

    def resume_classifier(self) -> ClassifierCheckpoint:
        """The state of a classifier to go on from; errors are those of `resume`."""
        return self._resume(ClassifierCheckpoint)

    def _resume(self, kind: type[FileT]) -> FileT:
        if not self.resume_path.exists():
            raise ConfigError(
                f"{self.path}: no {RESUME} to go on from; start anew with '{_COMMANDS[kind.task]} CORPUS'"
            )
        task = self.task
        if task is not None and task != kind.task:
            raise ConfigError(f"{self.path}: a {task}: go on with it by '{_COMMANDS[task]} --resume {self.name}'")
        try:
            checkpoint = kind.load(self.resume_path)
            if checkpoint.training is None:
                raise CheckpointError(f"{self.resume_path}: a finished model, without the state to go on from")
            return checkpoint
        except CheckpointError as error:
            hint = "nothing else in this run can be read"
            with contextlib.suppress(CheckpointError, ConfigError):
                kind.load(self.model_path)
                hint = f"{self.model_path} is intact"
                if kind is Checkpoint:
                    hint += f": 'gen train CORPUS --init-from {self.name}' starts from it"
            raise CheckpointError(f"{error}; {hint}") from error


def runs_folder(given: str | os.PathLike[str] | None = None) -> Path:
    """Where runs live: `given`, else `GEN_CHECKPOINTS`, else ./checkpoints."""
    return Path(given or os.environ.get("GEN_CHECKPOINTS") or "checkpoints")


def list_runs(folder: Path) -> list[Run]:
    """The runs in `folder`, newest first."""
    if not folder.is_dir():
        return []
    runs = [Run(path) for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
    return sorted((run for run in runs if run.exists), key=lambda run: (-run.modified, run.name))


def find_run(name: str | None, folder: Path, medium: Medium | None = None, task: Task | None = "language model") -> Run:
    """The run called `name`, at the path `name`, or the newest: for `task` and of `medium`, where one is asked for.

    Raises:
        ConfigError: there is none; the message suggests what is near.
    """
    runs = list_runs(folder)
    if name is None:
        fitting = (run for run in runs if medium is None or run.medium == medium)
        newest = next((run for run in fitting if task is None or run.task in (task, None)), None)
        if newest is None and task == "classifier":
            raise ConfigError(f"no classifier in {folder}: train one with 'gen classify train FILE'")
        if newest is None:
            of_medium = f" that writes {medium}" if medium else " that writes" if runs else ""
            example = "gen train @tunes" if medium == "music" else "gen train @python"
            raise ConfigError(f"no run{of_medium} in {folder}: train one with 'gen train CORPUS', or '{example}'")
        return newest
    path = Path(name)
    if len(path.parts) > 1 and Run(path).exists:
        return Run(path)
    for run in runs:
        if run.name == str(path):  # without the "/" that shells put after a folder's name
            return run
    near = difflib.get_close_matches(name, [run.name for run in runs], n=3, cutoff=0.5)
    known = f"did you mean {' or '.join(near)}?" if near else f"'gen ls' lists the {len(runs)} there are"
    raise ConfigError(f"no run {name!r} in {folder}: {known}")


def find_model(
    name: str | None,
    folder: Path,
    *,
    last: bool = False,
    medium: Medium | None = None,
    task: Task | None = "language model",
) -> Path:
    """The model file of a run, as `find_run` finds it, or the file at the path `name`."""
    if name is not None and os.path.isfile(name):
        return Path(name)
    return find_run(name, folder, medium, task).file(last=last)


def name_of(model: Path) -> str:
    """What a model file is called: as its run, or else as the file."""
    return model.parent.name if model.name in (MODEL, RESUME) else model.name


def default_name(source: str) -> str:
    """A run name for a corpus: the last part of its path, in characters that need no quoting."""
    stem = Path(source.removeprefix("@")).name.split(".")[0]
    name = re.sub(r"[^\w-]+", "-", stem, flags=re.ASCII).strip("-")[:60]
    return name if is_plain(name) else "corpus"


def check_new_name(folder: Path, name: str) -> None:
    """Refuse a name that cannot be a folder's, or is taken by a run (`ConfigError`)."""
    if Run(inside(folder, name, "run name")).exists:
        raise ConfigError(
            f"run {name!r} exists in {folder}: 'gen train --resume {name}' goes on with it; or give another --name"
        )


def create_run(folder: Path, name: str | None, default: str) -> tuple[Run, FolderLock]:
    """A new run's folder, locked. An explicit name is never given twice; a default one gets a number.

    Raises:
        ConfigError: `name` is taken or cannot be a folder's name.
        StorageError: the folder cannot be made, or another process is training in it.
    """
    make_folder(folder)
    if name is not None:
        run = Run(inside(folder, name, "run name"))
        make_folder(run.path)
        lock = run.lock()
        try:
            check_new_name(folder, name)  # again: another process may have been quicker
        except ConfigError:
            lock.release()
            raise
        return run, lock
    for number in itertools.count(1):
        run = Run(inside(folder, default if number == 1 else f"{default}-{number}", "run name"))
        try:
            run.path.mkdir()
        except FileExistsError:
            continue
        except OSError as error:
            raise refused(run.path, error) from error
        return run, run.lock()
    raise AssertionError
