"""Is it new: what a model copied of what it learned, and how to keep it from that."""

from gen.novelty.no_copy import NoCopy

__all__ = ["NoCopy"]
