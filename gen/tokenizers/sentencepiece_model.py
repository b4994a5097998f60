"""A list of pieces as the file that sentencepiece reads: so that no stranger's file ever reaches its parser.

The format is that of protocol buffers (sentencepiece_model.proto): a field is its number and kind, then its value.
"""

import struct
from collections.abc import Iterable, Mapping

_KINDS: Mapping[str, int] = {"normal": 1, "unknown": 2, "byte": 6}
_ALGORITHMS: Mapping[str, int] = {"unigram": 1, "bpe": 2}
_VARINT, _BYTES, _FLOAT = 0, 2, 5


def model_proto(algorithm: str, entries: Iterable[tuple[str, float, str]]) -> bytes:
    """The file of a model that neither normalises nor pads.

    Args:
        algorithm: "unigram" or "bpe".
        entries: (piece, score, "normal", "unknown" or "byte"), in the order of their ids.
    """
    pieces = b"".join(
        _message(1, _text(1, piece) + _number(2, score) + _whole(3, _KINDS[kind])) for piece, score, kind in entries
    )
    none = -1 & (2**64 - 1)
    trainer = _whole(3, _ALGORITHMS[algorithm]) + _whole(35, 1)  # spelling in bytes
    trainer += _whole(40, 0) + b"".join(_whole(field, none) for field in (41, 42, 43))  # unknown; begin, end, padding
    normalizer = _text(1, "identity") + _whole(3, 0) + _whole(4, 0) + _whole(5, 1)
    return pieces + _message(2, trainer) + _message(3, normalizer)


def _varint(value: int) -> bytes:
    data = bytearray()
    while value >= 0x80:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*data, value])


def _whole(field: int, value: int) -> bytes:
    return _varint(field << 3 | _VARINT) + _varint(value)


def _number(field: int, value: float) -> bytes:
    return _varint(field << 3 | _FLOAT) + struct.pack("<f", value)


def _message(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | _BYTES) + _varint(len(content)) + content


def _text(field: int, value: str) -> bytes:
    return _message(field, value.encode())
