"""Is it new: what a model copied of what it learned, and how to keep it from that."""

from gen.novelty.music import LONG_PASSAGE, MusicNovelty, MusicRate, MusicReceipt, Passage
from gen.novelty.no_copy import NoCopy
from gen.novelty.no_copy_music import NoCopyMusic
from gen.novelty.text import LONG, Copy, Rate, Receipt, TextNovelty

__all__ = [
    "LONG",
    "LONG_PASSAGE",
    "Copy",
    "MusicNovelty",
    "MusicRate",
    "MusicReceipt",
    "NoCopy",
    "NoCopyMusic",
    "Passage",
    "Rate",
    "Receipt",
    "TextNovelty",
]
