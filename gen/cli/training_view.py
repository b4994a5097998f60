"""Training on the screen: a live panel in a terminal, a plain line every few seconds elsewhere."""

import itertools
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from rich.console import Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.text import Text

from gen.cli.report import figure
from gen.cli.terminal import console, plain, say
from gen.progress import Event, Finished, Notice, Sampled, Started, StepFinished, Validated, Validating

if TYPE_CHECKING:
    from gen.corpus.token_corpus import TokenCorpus
    from gen.runs import Run

_LINE_SECONDS = 5.0  # between two plain lines
_BLOCKS = "▁▂▃▄▅▆▇█"
_ASCII_BLOCKS = "_.-=+*#"


class View(Protocol):
    """Shows events."""

    def show(self, event: Event) -> None:
        """Take one event."""


@contextmanager
def training_view(run: "Run", corpus: "TokenCorpus") -> Iterator[View]:
    """The view that fits stderr."""
    measure = _Measure(corpus)
    screen = console()
    if not screen.is_terminal or screen.is_dumb_terminal:
        yield _Lines(measure)
        return
    panel = _Panel(run.name, measure)
    with Live(get_renderable=panel.render, console=screen, refresh_per_second=8, transient=True):
        yield panel
    panel.leave()


class _Measure:
    """A loss in what compares across the tokens of its medium: bits a byte, nats a note."""

    def __init__(self, corpus: "TokenCorpus") -> None:
        self._extent = corpus.validation.extent
        self._figure = "bits_per_byte" if self._extent.unit == "character" else "nats_per_note"

    def of(self, loss: float) -> str:
        from gen.cli.report import figure
        from gen.metrics import figures

        return figure(self._figure, figures(loss, self._extent)[self._figure])


def duration(seconds: float) -> str:
    """A time left: 0:07, 3:20, 1:02:03."""
    if not math.isfinite(seconds):
        return "--:--"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def sparkline(values: list[float], width: int, *, ascii_only: bool = False) -> str:
    """The values as a row of at most `width` blocks, lowest to highest."""
    blocks = _ASCII_BLOCKS if ascii_only else _BLOCKS
    if len(values) > width:
        cuts = [round(i * len(values) / width) for i in range(width + 1)]
        values = [sum(values[a:b]) / (b - a) for a, b in itertools.pairwise(cuts)]
    low, high = min(values), max(values[len(values) // 10 :])  # the first steep fall would flatten all the rest
    span = (high - low) or 1.0
    return "".join(blocks[min(len(blocks) - 1, int((value - low) / span * len(blocks)))] for value in values)


def _started(event: Started) -> str:
    model, config = event.model, event.train
    budget = f"{config.minutes:g} minutes" if config.steps is None else f"{config.steps:,} steps"
    begin = f", from step {event.step:,}" if event.step else ""
    ngrams = f" with {model.ngrams}-grams" if model.ngrams > 1 else ""
    return (
        f"{model.cell} {model.layers} x {model.hidden}{ngrams}, {model.parameters:,} weights; "
        f"batch {config.batch_size} x {config.sequence_length}; {budget}{begin}; "
        f"{config.device} {config.precision}, seed {config.seed}; "
        f"{event.baseline_model} {event.baseline:.3f} nats"
    )


def _finished(event: Finished, baseline: str) -> str:
    losses = ", ".join(figure(name, value) for name, value in event.figures.items())
    return (
        f"validation {losses} (one stateful pass over {event.tokens:,} tokens; best of step {event.best_step:,}); "
        f"{baseline} nats; {event.step:,} steps in {duration(event.seconds)}, {event.tokens_per_second:,.0f} tokens/s"
    )


def _baseline(event: Started) -> str:
    return f"{event.baseline_model} {event.baseline:.3f}"


class _Lines:
    """No terminal: a line every few seconds, and one for each validation."""

    def __init__(self, measure: _Measure) -> None:
        self._measure = measure
        self._due = 0.0
        self._baseline = ""

    def show(self, event: Event) -> None:
        match event:
            case Notice():
                say(event.message)
            case Started():
                self._baseline = _baseline(event)
                say(_started(event))
            case StepFinished() if time.monotonic() >= self._due:
                self._due = time.monotonic() + _LINE_SECONDS
                say(
                    f"step {event.step:,} ({event.progress:.0%}): loss {event.loss:.3f} nats, "
                    f"{self._measure.of(event.loss)}, {event.tokens_per_second:,.0f} tokens/s, "
                    f"{duration(event.seconds_left)} left"
                )
            case Validated():
                best = ", the best so far" if event.best else ""
                say(f"step {event.step:,}: validation {event.loss:.4f} nats, {self._baseline}{best}")
            case Finished():
                say(_finished(event, self._baseline))
            case _:
                pass


class _Panel:
    """A terminal: progress, figures, the curve, and what the model writes now."""

    def __init__(self, name: str, measure: _Measure) -> None:
        self._name = name
        self._measure = measure
        self._started: Started | None = None
        self._last: StepFinished | None = None
        self._validations: list[float] = []
        self._losses: list[float] = []
        self._sample = ""
        self._validating = 0.0
        self._end: str | None = None

    def show(self, event: Event) -> None:
        match event:
            case Notice():
                console().print(Text(plain(event.message), "yellow"))
            case Started():
                self._started = event
                say(_started(event), "dim")
            case StepFinished():
                self._last, self._validating = event, 0.0
                # the mean of the last steps is what the eye wants; single steps jump
                self._losses.append(0.9 * self._losses[-1] + 0.1 * event.loss if self._losses else event.loss)
            case Validating():
                self._validating = event.done
            case Validated():
                self._validations.append(event.loss)
            case Sampled():
                self._sample = event.text
            case Finished() if self._started is not None:
                self._end = _finished(event, _baseline(self._started))
            case _:
                pass

    def leave(self) -> None:
        """What stays on the screen when the panel goes."""
        if self._end:
            say(self._end)

    def render(self) -> RenderableType:
        last, started = self._last, self._started
        if started is None or last is None:
            return Text("getting ready …" if not console().options.ascii_only else "getting ready", "dim")
        ascii_only, width = console().options.ascii_only, console().width
        head = Text(no_wrap=True, overflow="crop")
        head.append(f"{plain(self._name)}  ", "bold")
        head.append(f"{last.progress:4.0%}  {duration(last.seconds_left)} left")
        if self._validating:
            head.append(f"  validating {self._validating:.0%}", "dim")
        loss = self._losses[-1]
        figures = Text(overflow="fold")
        figures.append(f"step {last.step:,}  loss {loss:.3f} nats  {self._measure.of(loss)}  ")
        figures.append(f"{last.tokens_per_second:,.0f} tokens/s")
        bar = Padding(
            ProgressBar(1.0, last.progress, width=min(width, 72), complete_style="cyan", finished_style="cyan"), 0
        )  # alone, a bar ends no line
        rows: list[RenderableType] = [head, bar, figures]
        if self._validations:
            value = self._validations[-1]
            line = Text(overflow="fold")
            line.append(f"validation {value:.3f}", "green" if value < started.baseline else "")
            line.append(f"  {_baseline(started)}")
            rows.append(line)
        if len(self._losses) > 1 and width >= 30:
            rows.append(Text(sparkline(self._losses, min(width, 72), ascii_only=ascii_only), "cyan", no_wrap=True))
        if self._sample:
            shown = plain(self._sample, keep_newlines=True).strip().splitlines()[:6]
            rows.append(Padding(Text("\n".join(shown), "dim", overflow="fold"), (1, 0, 0, 2 if width >= 40 else 0)))
        return Group(*rows)
