"""The training of a classifier on the screen: a live panel in a terminal, a plain line every few seconds elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.text import Text

from gen.cli.terminal import console, plain, say
from gen.cli.training_view import View, duration, sparkline
from gen.progress import ClassifierStarted, ClassifierValidated, Event, Finished, Notice, StepFinished, Validating

if TYPE_CHECKING:
    from gen.runs import Run

_LINE_SECONDS = 5.0  # between two plain lines


@contextmanager
def classifier_view(run: "Run") -> Iterator[View]:
    """The view that fits stderr."""
    screen = console()
    if not screen.is_terminal or screen.is_dumb_terminal:
        yield _Lines()
        return
    panel = _Panel(run.name)
    with Live(get_renderable=panel.render, console=screen, refresh_per_second=8, transient=True):
        yield panel
    panel.leave()


def _started(event: ClassifierStarted) -> str:
    model, config = event.model, event.train
    begin = f", from step {event.step:,}" if event.step else ""
    trained = "" if event.trained == event.weights else f", {event.trained:,} of them trained"
    return (
        f"{model.cell} {model.layers} x {model.hidden}, {event.classifier.pooling} state, {event.weights:,} weights"
        f"{trained}; batch {config.batch_size}; {config.steps:,} steps, {event.steps_per_epoch:,} an epoch{begin}; "
        f"dropout {config.dropout:g}, recurrent {config.recurrent_dropout:g}; {config.device} {config.precision}, "
        f"seed {config.seed}; commonest class {event.majority:.1%}"
    )


def _finished(event: Finished, majority: float) -> str:
    found = event.figures
    return (
        f"validation accuracy {found['accuracy']:.2%} (commonest class {majority:.1%}), macro F1 "
        f"{found['macro_f1']:.3f}, {found['loss']:.4f} nats, calibration error {found['calibration_error']:.3f}; best "
        f"of step {event.best_step:,}; {event.step:,} steps in {duration(event.seconds)}"
    )


class _Lines:
    """No terminal: a line every few seconds, and one for each validation."""

    def __init__(self) -> None:
        self._due = 0.0
        self._majority = 0.0

    def show(self, event: Event) -> None:
        match event:
            case Notice():
                say(event.message)
            case ClassifierStarted():
                self._majority = event.majority
                say(_started(event))
            case StepFinished() if time.monotonic() >= self._due:
                self._due = time.monotonic() + _LINE_SECONDS
                say(
                    f"step {event.step:,} ({event.progress:.0%}): loss {event.loss:.3f} nats, "
                    f"{event.tokens_per_second:,.0f} tokens/s, {duration(event.seconds_left)} left"
                )
            case ClassifierValidated():
                best = ", the best so far" if event.best else ""
                say(
                    f"step {event.step:,}: validation accuracy {event.accuracy:.2%}, {event.loss:.4f} nats, commonest "
                    f"class {self._majority:.1%}{best}"
                )
            case Finished():
                say(_finished(event, self._majority))
            case _:
                pass


class _Panel:
    """A terminal: progress, figures and the curve."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._majority = 0.0
        self._last: StepFinished | None = None
        self._validation: ClassifierValidated | None = None
        self._losses: list[float] = []
        self._validating = 0.0
        self._end: str | None = None

    def show(self, event: Event) -> None:
        match event:
            case Notice():
                console().print(Text(plain(event.message), "yellow"))
            case ClassifierStarted():
                self._majority = event.majority
                say(_started(event), "dim")
            case StepFinished():
                self._last, self._validating = event, 0.0
                # the mean of the last steps is what the eye wants; single steps jump
                self._losses.append(0.95 * self._losses[-1] + 0.05 * event.loss if self._losses else event.loss)
            case Validating():
                self._validating = event.done
            case ClassifierValidated():
                self._validation = event
            case Finished():
                self._end = _finished(event, self._majority)
            case _:
                pass

    def leave(self) -> None:
        """What stays on the screen when the panel goes."""
        if self._end:
            say(self._end)

    def render(self) -> RenderableType:
        last = self._last
        if last is None:
            return Text("getting ready …" if not console().options.ascii_only else "getting ready", "dim")
        ascii_only, width = console().options.ascii_only, console().width
        head = Text(no_wrap=True, overflow="crop")
        head.append(f"{plain(self._name)}  ", "bold")
        head.append(f"{last.progress:4.0%}  {duration(last.seconds_left)} left")
        if self._validating:
            head.append(f"  validating {self._validating:.0%}", "dim")
        figures = Text(overflow="fold")
        figures.append(f"step {last.step:,}  loss {self._losses[-1]:.3f} nats  {last.tokens_per_second:,.0f} tokens/s")
        bar = Padding(
            ProgressBar(1.0, last.progress, width=min(width, 72), complete_style="cyan", finished_style="cyan"), 0
        )  # alone, a bar ends no line
        rows: list[RenderableType] = [head, bar, figures]
        if self._validation is not None:
            accuracy = self._validation.accuracy
            line = Text(overflow="fold")
            line.append(f"validation accuracy {accuracy:.2%}", "green" if accuracy > self._majority else "")
            line.append(f"  {self._validation.loss:.3f} nats  commonest class {self._majority:.1%}")
            rows.append(line)
        if len(self._losses) > 1 and width >= 30:
            rows.append(Text(sparkline(self._losses, min(width, 72), ascii_only=ascii_only), "cyan", no_wrap=True))
        return Group(*rows)
