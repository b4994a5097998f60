"""Documents to ids and back: one dict entry a family, which is loaded when it is first used."""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from gen.config import Medium
from gen.errors import CheckpointError
from gen.tokenizers.base import StreamDecoder, TextTokenizer, Tokenizer, Unit, Vocabulary

if TYPE_CHECKING:
    from gen.tokenizers.byte import ByteTokenizer as ByteTokenizer
    from gen.tokenizers.char import CharTokenizer as CharTokenizer
    from gen.tokenizers.midi import MidiTokenizer as MidiTokenizer
    from gen.tokenizers.subword import SubwordTokenizer as SubwordTokenizer
    from gen.tokenizers.word import WordTokenizer as WordTokenizer

    AnyTokenizer = TextTokenizer | MidiTokenizer

MEDIA: Mapping[str, Medium] = {"char": "text", "byte": "text", "subword": "text", "word": "text", "midi": "music"}
"""What the documents of each family are."""
_CLASSES = {
    "ByteTokenizer": "byte",
    "CharTokenizer": "char",
    "MidiTokenizer": "midi",
    "SubwordTokenizer": "subword",
    "WordTokenizer": "word",
}
_CLASS_OF = {family: name for name, family in _CLASSES.items()}

__all__ = [
    "MEDIA",
    "ByteTokenizer",
    "CharTokenizer",
    "MidiTokenizer",
    "StreamDecoder",
    "SubwordTokenizer",
    "TextTokenizer",
    "Tokenizer",
    "Unit",
    "Vocabulary",
    "WordTokenizer",
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
    family = getattr(import_module(f"{__name__}.{kind}"), _CLASS_OF[kind])
    return family.from_dict(values)  # type: ignore[no-any-return]
