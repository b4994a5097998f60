"""Whether a corpus is text or music: told by its files, asked about where they are both."""

import os
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain

from gen.config import Medium
from gen.corpus.findings import Findings
from gen.corpus.readers import FileDocument, NotText, file_chunks, is_midi, shown
from gen.corpus.walk import Walk, matches
from gen.errors import CorpusError

_LOOKED_INTO = 200  # files beside MIDI files that may be text


def medium_of(sources: Sequence[str]) -> Medium:
    """What sources hold; "text" where it is neither, for its reader to say what is wrong.

    Raises:
        CorpusError: they hold both, or an @name is not known.
    """
    scores: list[str] = []
    others: list[str] = []
    for source in sources:
        if source.startswith("@"):
            from gen.corpus.catalog import find  # it stands on this module

            (scores if find(source).medium == "music" else others).append(source)
        else:
            for path in chain.from_iterable(map(_files, matches(source) or [source])):
                (scores if is_midi(path) else others).append(path)
    if not scores:
        return "text"
    texts = [path for path in others[:_LOOKED_INTO] if path.startswith("@") or path == "-" or _is_text(path)]
    if texts:
        raise CorpusError(
            f"{', '.join(map(shown, sources))}: holds both music ({_counted(scores, 'MIDI file')}) and text "
            f"({_counted(texts, 'file')}): say which is meant, --medium music or --medium text"
        )
    return "music"


def _files(source: str) -> Iterator[str]:
    """The files of a source that is no @name; itself, if it is no folder that can be read."""
    if not os.path.isdir(source):
        yield source
        return
    try:
        yield from Walk(Findings()).files(source)
    except OSError:
        yield source


def _is_text(path: str) -> bool:
    options = {"encoding": None, "keep_line_ends": False, "findings": Findings()}
    try:
        FileDocument(path, partial(file_chunks, path), **options)  # type: ignore[arg-type]
    except (NotText, CorpusError):
        return False
    return True


def _counted(paths: Sequence[str], what: str) -> str:
    return f"{len(paths):,} {what}{'s' * (len(paths) > 1)}, such as {shown(paths[0])}"
