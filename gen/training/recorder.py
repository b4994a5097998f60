"""What a run leaves on the disk, written as its events pass by.

The order of writes is what makes a kill at any moment harmless: the best model before the state that knows of it, log
lines before the state that is past them (a resumed run cuts the log back to its step and writes the same lines again).
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

from gen.checkpoint import Checkpoint, ClassifierCheckpoint
from gen.errors import CheckpointError, ConfigError
from gen.progress import ClassifierStarted, Event, Finished, Notice, Started, StepFinished, Validated
from gen.runs import Run
from gen.storage import atomic_write, refused, sweep

FileT = TypeVar("FileT", Checkpoint, ClassifierCheckpoint)
_FileT_co = TypeVar("_FileT_co", bound=Checkpoint | ClassifierCheckpoint, covariant=True)


@runtime_checkable
class Recorded(Protocol[_FileT_co]):
    """A trainer, as far as its run is concerned."""

    @property
    def step(self) -> int:
        """Optimizer steps taken."""

    @property
    def best(self) -> _FileT_co | None:
        """The best model so far."""

    @property
    def snapshot(self) -> _FileT_co:
        """A recent state."""

    def run(self) -> Iterator[Event]:
        """Train."""


_LOG_STEPS = 10  # steps between two lines of the log
_LOST_SECONDS = 30.0  # of training that a kill may cost …
_LOST_SHARE = 0.1  # … or this share of the sitting, if that is less …
_SAVE_SHARE = 0.02  # … unless writing the state would take more than this share of the time


def load_best(run: Run, kind: type[FileT]) -> FileT | None:
    """The best model that `run` kept so far, if there is a sound one of this kind."""
    try:
        return kind.load(run.model_path)
    except (ConfigError, CheckpointError):
        return None


def record(trainer: Recorded[FileT], run: Run, card: Callable[[str, FileT], str]) -> Iterator[Event]:
    """Run the trainer, keep `run`'s folder (which the caller holds locked) up to date, and pass the events on.

    Args:
        trainer: of a language model or of a classifier.
        run: where it leaves what it learns.
        card: writes the model card.
    """
    sweep(run.path)
    _cut_log(run, trainer.step)
    saved, began, due = trainer.snapshot, time.monotonic(), 0.0
    with _complaining(run.metrics_path), open(run.metrics_path, "a", encoding="utf-8", buffering=1) as log:
        for event in trainer.run():
            line = _log_line(event)
            if line is not None:
                log.write(json.dumps(line) + "\n")
            if trainer.best is not None and (
                isinstance(event, Finished) or (isinstance(event, Validated) and event.best)
            ):
                trainer.best.save(run.model_path)
                atomic_write(run.card_path, card(run.name, trainer.best).encode())
            if isinstance(event, Started | ClassifierStarted | Finished) or (
                trainer.snapshot is not saved and time.monotonic() >= due
            ):
                saved, before = trainer.snapshot, time.monotonic()
                saved.save(run.resume_path)
                now = time.monotonic()
                due = now + max(min(_LOST_SECONDS, _LOST_SHARE * (now - began)), (now - before) / _SAVE_SHARE)
            yield event


@contextmanager
def _complaining(path: Path) -> Iterator[None]:
    """A disk that refuses the log, as one line with its path."""
    try:
        yield
    except OSError as error:
        raise refused(path, error) from error


def _log_line(event: Event) -> dict[str, Any] | None:
    match event:
        case Started() | ClassifierStarted():
            return None
        case StepFinished() if event.step % _LOG_STEPS:
            return None
        case StepFinished():
            names = ("step", "loss", "learning_rate", "tokens_per_second", "seconds")
            return {"event": "step"} | {name: getattr(event, name) for name in names}
        case Validated():
            return {"event": "validation"} | asdict(event)
        case Finished():
            return {"event": "finished"} | asdict(event)
        case Notice():
            return {"event": "notice", "message": event.message}
        case _:
            return None


def _cut_log(run: Run, step: int) -> None:
    """Drop what a killed run logged beyond the step that it goes on from; begin the log of a new one."""
    kept = []
    lines = run.metrics_path.read_text(encoding="utf-8", errors="replace") if run.metrics_path.is_file() else ""
    for line in lines.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:  # the line that the kill tore
            break
        if entry.get("step", 0) > step or entry.get("event") == "finished":
            break
        kept.append(line + "\n")
    atomic_write(run.metrics_path, "".join(kept).encode())
