"""What a run leaves on the disk, written as its events pass by.

The order of writes is what makes a kill at any moment harmless: the best model before the state that knows of it, log
lines before the state that is past them (a resumed run cuts the log back to its step and writes the same lines again).
"""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from gen.checkpoint import Checkpoint
from gen.errors import CheckpointError, ConfigError
from gen.progress import Event, Finished, Notice, Started, StepFinished, Validated
from gen.runs import Run
from gen.storage import atomic_write, refused, sweep
from gen.training.model_card import model_card
from gen.training.trainer import Trainer

_LOG_STEPS = 10  # steps between two lines of the log
_SAVE_SECONDS = 10.0  # between two writes of the state, at least …
_SAVE_SHARE = 0.02  # … and longer where writing takes more than this share of the time


def load_best(run: Run) -> Checkpoint | None:
    """The best model that `run` kept so far, if there is a sound one."""
    try:
        return Checkpoint.load(run.model_path)
    except (ConfigError, CheckpointError):
        return None


def record(trainer: Trainer, run: Run) -> Iterator[Event]:
    """Run the trainer, keep `run`'s folder (which the caller holds locked) up to date, and pass the events on."""
    sweep(run.path)
    _cut_log(run, trainer.step)
    saved, due = trainer.snapshot, 0.0
    try:
        log = open(run.metrics_path, "a", encoding="utf-8", buffering=1)
    except OSError as error:
        raise refused(run.metrics_path, error) from error
    with log:
        for event in trainer.run():
            line = _log_line(event)
            if line is not None:
                try:
                    log.write(json.dumps(line) + "\n")
                except OSError as error:
                    raise refused(run.metrics_path, error) from error
            if isinstance(event, (Validated, Finished)) and trainer.best is not None:
                if isinstance(event, Finished) or event.best:
                    trainer.best.save(run.model_path)
                    atomic_write(run.card_path, model_card(run.name, trainer.best).encode())
            if isinstance(event, Started | Finished) or (trainer.snapshot is not saved and time.monotonic() >= due):
                saved = trainer.snapshot
                began = time.monotonic()
                saved.save(run.resume_path)
                ended = time.monotonic()
                due = ended + max(_SAVE_SECONDS, (ended - began) / _SAVE_SHARE)
            yield event


def _log_line(event: Event) -> dict[str, Any] | None:
    match event:
        case Started():
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
