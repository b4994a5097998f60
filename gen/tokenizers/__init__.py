"""Documents to ids and back: one dict entry a family."""

from collections.abc import Mapping
from typing import Any

from gen.errors import CheckpointError
from gen.tokenizers.base import Medium, StreamDecoder, Tokenizer, Vocabulary
from gen.tokenizers.char import CharTokenizer

FAMILIES = {"char": CharTokenizer}

__all__ = ["FAMILIES", "CharTokenizer", "Medium", "StreamDecoder", "Tokenizer", "Vocabulary", "from_dict"]


def from_dict(values: Mapping[str, Any]) -> CharTokenizer:
    """The tokenizer that `to_dict` described (`CheckpointError` if it describes none that is known)."""
    kind = values["kind"] if isinstance(values, Mapping) and "kind" in values else None
    if not isinstance(kind, str) or kind not in FAMILIES:
        raise CheckpointError(
            f"tokenizer kind {kind!r} is not one of {', '.join(FAMILIES)}: a newer gen wrote this file"
        )
    return FAMILIES[kind].from_dict(values)
