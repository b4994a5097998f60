"""A corpus on its way from files to ids, shown on stderr where it takes longer than a moment.

A bar in a terminal, plain lines elsewhere.
"""

import contextlib
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from gen.cli.terminal import console, now_and_then

if TYPE_CHECKING:
    from gen.checkpoint import Checkpoint, ClassifierCheckpoint
    from gen.corpus.documents import ReadingOptions
    from gen.corpus.labelled_corpus import LabelledCorpus
    from gen.corpus.token_corpus import TokenCorpus
    from gen.progress import Probing, Reading, Validating
    from gen.tokenizers import AnyTokenizer

_T = TypeVar("_T")
_MOMENT = 1.0  # seconds


def open_corpus(
    sources: Sequence[str],
    options: "ReadingOptions",
    known: "AnyTokenizer | None" = None,
    *,
    tokenizer: "AnyTokenizer | None" = None,
) -> "TokenCorpus":
    """`TokenCorpus.open`, with its named corpora fetched and its progress shown."""
    from gen.cli.fetching import fetch_named
    from gen.corpus.token_corpus import TokenCorpus

    fetch_named(sources)
    return shown_reading(TokenCorpus.opening(sources, options=options, known=known, tokenizer=tokenizer))


def own_corpus(checkpoint: "Checkpoint") -> "TokenCorpus | None":
    """The corpus that a model learned from; None, and a line on stderr, where it is not at hand or not as it was."""
    from gen.cli.terminal import say
    from gen.errors import CorpusError

    try:
        return training_corpus(checkpoint)
    except CorpusError as error:
        say(str(error), "yellow")
        return None


def training_corpus(checkpoint: "Checkpoint", path: str | None = None) -> "TokenCorpus":
    """The corpus that a model learned from, read in the same way.

    Args:
        checkpoint: the model.
        path: where the corpus is now; None takes it from where it was, and as it was.

    Raises:
        CorpusError: it is not available, or of other characters or another clock.
    """
    from gen.corpus.documents import ReadingOptions
    from gen.errors import CorpusError, TokenizerError

    record = _record_of(checkpoint)
    try:
        if record is None and path is None:
            raise CorpusError("the model has no record of it")
        record = record or {"options": {}, "medium": checkpoint.tokenizer.medium}
        try:
            options = ReadingOptions.recorded(record)
        except TypeError as error:  # options that there never were
            raise CorpusError("the model's record of it is damaged") from error
        if path is not None:
            return open_corpus([path], options, tokenizer=checkpoint.tokenizer)
        if "-" in record["sources"]:
            raise CorpusError("it came from standard input")
        found = open_corpus(record["sources"], options, tokenizer=checkpoint.tokenizer)
        if found.provenance["checksum"] != record["checksum"]:
            raise CorpusError(f"{', '.join(record['sources'])} has changed since")
    except (CorpusError, TokenizerError) as error:  # other characters: it is another text by now
        raise CorpusError(f"corpus not available: {error}") from error
    return found


def _record_of(checkpoint: "Checkpoint") -> "dict[str, Any] | None":
    """What a model remembers of its corpus; None where it is no such record, as anyone may have written it."""
    record = checkpoint.provenance.get("corpus")
    if not isinstance(record, dict) or not {"sources", "options", "checksum"} <= record.keys():
        return None
    sources = record["sources"]
    named = isinstance(sources, list) and all(isinstance(source, str) for source in sources)
    return record if named and isinstance(record["options"], dict) else None


def reopen_labelled(checkpoint: "ClassifierCheckpoint") -> "LabelledCorpus":
    """The labelled documents that a classifier learned from, as its record says they were read; they may have changed.

    Raises:
        CorpusError: they are not there any more, or have other labels.
    """
    from gen.corpus.documents import ReadingOptions
    from gen.corpus.labelled_corpus import LabelledCorpus

    record, classifier = checkpoint.provenance["corpus"], checkpoint.classifier
    return shown_reading(
        LabelledCorpus.opening(
            record["sources"],
            validation=record["validation_sources"],
            options=ReadingOptions.recorded(record),
            label=record["label_column"],
            length=classifier.length,
            keep=classifier.keep,
            tokenizer=checkpoint.tokenizer,
            labels=classifier.labels,
        )
    )


def shown_reading(reading: "Generator[Reading, None, _T]") -> _T:
    """What a reading returns, when its progress has been shown."""
    with _view() as show:
        while True:
            try:
                show(next(reading))
            except StopIteration as end:
                found: _T = end.value
                return found


def shown_share(what: str, work: "Generator[Validating | Probing, None, _T]") -> _T:
    """What a pass returns, when the share of it that is done has been shown; in a terminal only."""
    screen = console()
    with contextlib.ExitStack() as stack:
        show: Callable[[float], None] = lambda _: None  # noqa: E731  (nothing to show)
        if screen.is_terminal and not screen.is_dumb_terminal:
            from rich.progress import BarColumn, Progress, TextColumn

            columns = TextColumn(what, markup=False), BarColumn(None)
            progress = stack.enter_context(Progress(*columns, console=screen, transient=True, expand=True))
            task = progress.add_task("", total=1.0)
            show = lambda done: progress.update(task, completed=done)  # noqa: E731
        while True:
            try:
                show(next(work).done)
            except StopIteration as end:
                found: _T = end.value
                return found


@contextmanager
def _view() -> "Iterator[Callable[[Reading], None]]":
    """What shows how much has been read; nothing, until it has taken a moment."""
    screen = console()
    if not screen.is_terminal or screen.is_dumb_terminal:
        yield now_and_then(lambda event: " ".join(_told(event)))
        return
    from rich.progress import BarColumn, Progress, TextColumn

    columns = TextColumn("{task.fields[what]}", markup=False), BarColumn(None), TextColumn("{task.description}")
    due = time.monotonic() + _MOMENT
    with Progress(*columns, console=screen, transient=True, expand=True) as progress:
        task = progress.add_task("", total=None, visible=False, what="")

        def show(event: "Reading") -> None:
            if time.monotonic() >= due:
                what, much = _told(event)
                progress.update(
                    task, description=much, completed=event.done, total=event.total, visible=True, what=what
                )

        yield show


def _told(event: "Reading") -> tuple[str, str]:
    """What is going on, and how far it is."""
    from gen.progress import ReadingFiles
    from gen.storage import human_size

    if isinstance(event, ReadingFiles):
        return "reading", f"{event.done:,} of {event.total:,} files"
    if event.total is None:
        return event.phase, human_size(event.done)
    return event.phase, f"{human_size(event.done)} of {human_size(event.total)}"
