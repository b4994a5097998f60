"""Documents to ids and back: one dict entry a family, which is loaded when it is first used."""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from gen.config import Medium
from gen.errors import CheckpointError
from gen.tokenizers.base import StreamDecoder, Tokenizer, Unit, Vocabulary

if TYPE_CHECKING:
    from gen.tokenizers.char import CharTokenizer as CharTokenizer
    from gen.tokenizers.midi import MidiTokenizer as MidiTokenizer

    AnyTokenizer = CharTokenizer | MidiTokenizer

MEDIA: Mapping[str, Medium] = {"char": "text", "midi": "music"}
"""What the documents of each family are."""
_CLASSES = {"CharTokenizer": "char", "MidiTokenizer": "midi"}
_CLASS_OF = {family: name for name, family in _CLASSES.items()}

__all__ = [
    "MEDIA",
    "CharTokenizer",
    "MidiTokenizer",
    "StreamDecoder",
    "Tokenizer",
    "Unit",
    "Vocabulary",
    "from_dict",
]

if not TYPE_CHECKING:  # as in `gen`

    def __getattr__(name: str) -> object:
        if name not in _CLASSES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(f"{__name__}.{_CLASSES[name]}"), name)
        return value


def from_dict(values: Mapping[str, Any]) -> "AnyTokenizer":
    """The tokenizer that `to_dict` described (`CheckpointError` if it describes none that is known)."""
    kind = values["kind"] if isinstance(values, Mapping) and "kind" in values else None
    if not isinstance(kind, str) or kind not in MEDIA:
        raise CheckpointError(f"tokenizer kind {kind!r} is not one of {', '.join(MEDIA)}: a newer gen wrote this file")
    family: type[AnyTokenizer] = getattr(import_module(f"{__name__}.{kind}"), _CLASS_OF[kind])
    return family.from_dict(values)
