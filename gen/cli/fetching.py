"""Named corpora on their way into the cache, shown on stderr: a bar in a terminal, plain lines elsewhere."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gen.cli.terminal import console, now_and_then, say
from gen.storage import human_size

if TYPE_CHECKING:
    from gen.corpus.catalog import CatalogEntry
    from gen.progress import Downloading

_NARROW = 60  # columns in which there is room for a bar, and not for figures


def fetch_named(sources: Sequence[str]) -> None:
    """Bring what is missing of the @names among `sources` into the cache.

    Raises:
        CorpusError: there is no such name, or it is not to be had.
        StorageError: the disk refused, or another process is fetching it.
    """
    for source in sources:
        if source.startswith("@"):
            from gen.corpus.catalog import find  # of no use to other corpora

            fetch_visibly(find(source))


def fetch_visibly(entry: "CatalogEntry") -> None:
    """Bring a corpus into the cache if it is not there; errors are those of `fetch_named`."""
    from gen.corpus.catalog import fetch

    if entry.embedded or entry.cached:
        return
    say(f"@{entry.name}: fetching {human_size(entry.size)} from {entry.url}")
    try:
        with _view(entry) as show:
            for event in fetch(entry):
                show(event)
    except KeyboardInterrupt:
        say(f"@{entry.name}: what has come is kept; the same command goes on from there")
        raise
    say(f"@{entry.name}: checked, and kept in {entry.folder}")


@contextmanager
def _view(entry: "CatalogEntry") -> "Iterator[Callable[[Downloading], None]]":
    screen = console()
    if not screen.is_terminal or screen.is_dumb_terminal:
        yield now_and_then(lambda event: f"{event.name}: {human_size(event.received)} of {human_size(event.total)}")
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn

    columns: list[ProgressColumn] = [TextColumn("{task.percentage:>3.0f}%", markup=False), BarColumn(None)]
    if screen.width >= _NARROW:
        columns += [DownloadColumn(), TimeRemainingColumn()]
    with Progress(*columns, console=screen, transient=True, expand=True) as progress:
        task = progress.add_task("", total=entry.size)
        yield lambda event: progress.update(task, completed=event.received, total=event.total)
