"""Documents to ids and back: one dict entry a family."""

from collections.abc import Mapping
from typing import Any

from gen.config import Medium
from gen.errors import CheckpointError
from gen.tokenizers.base import StreamDecoder, Tokenizer, Unit, Vocabulary
from gen.tokenizers.char import CharTokenizer
from gen.tokenizers.midi import MidiTokenizer

AnyTokenizer = CharTokenizer | MidiTokenizer
FAMILIES: Mapping[str, type[CharTokenizer] | type[MidiTokenizer]] = {"char": CharTokenizer, "midi": MidiTokenizer}

MEDIA: Mapping[str, Medium] = {kind: family.medium for kind, family in FAMILIES.items()}
"""What the documents of each family are."""

__all__ = [
    "FAMILIES",
    "MEDIA",
    "AnyTokenizer",
    "CharTokenizer",
    "MidiTokenizer",
    "StreamDecoder",
    "Tokenizer",
    "Unit",
    "Vocabulary",
    "from_dict",
]


def from_dict(values: Mapping[str, Any]) -> AnyTokenizer:
    """The tokenizer that `to_dict` described (`CheckpointError` if it describes none that is known)."""
    kind = values["kind"] if isinstance(values, Mapping) and "kind" in values else None
    if not isinstance(kind, str) or kind not in FAMILIES:
        raise CheckpointError(
            f"tokenizer kind {kind!r} is not one of {', '.join(FAMILIES)}: a newer gen wrote this file"
        )
    return FAMILIES[kind].from_dict(values)
