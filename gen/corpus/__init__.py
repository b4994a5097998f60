"""From files to ids: reading documents, writing their ids, cutting them into streams; labelled ones into batches."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gen.corpus.labelled_corpus import LabelledCorpus
    from gen.corpus.token_corpus import TokenCorpus

__all__ = ["LabelledCorpus", "TokenCorpus"]

_MODULES = {"LabelledCorpus": "labelled_corpus", "TokenCorpus": "token_corpus"}


def __getattr__(name: str) -> object:
    if name in _MODULES:  # loaded when it is used: reading the catalogue needs no numpy
        return getattr(import_module(f"gen.corpus.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
