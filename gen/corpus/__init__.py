"""From files to ids on disk: reading documents, writing their ids, cutting them into streams."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gen.corpus.token_corpus import TokenCorpus

__all__ = ["TokenCorpus"]


def __getattr__(name: str) -> object:
    if name == "TokenCorpus":  # loaded when it is used: reading the catalogue needs no numpy
        return import_module("gen.corpus.token_corpus").TokenCorpus
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
