"""The facade that the command line, the server and users share: a model file in, a stream of text or music out.

Each name is loaded when it is first used, so whoever writes text does not wait for what music needs.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gen.sampler.base import Sampler as Sampler
    from gen.sampler.music import MusicSampler as MusicSampler
    from gen.sampler.music_beam import MusicBeam as MusicBeam
    from gen.sampler.music_beam import MusicSample as MusicSample
    from gen.sampler.music_stream import MusicStream as MusicStream
    from gen.sampler.ranking import Ranked as Ranked
    from gen.sampler.stream_state import StreamState as StreamState
    from gen.sampler.text import TextSampler as TextSampler
    from gen.sampler.text_beam import TextBeam as TextBeam
    from gen.sampler.text_stream import Sample as Sample
    from gen.sampler.text_stream import TextStream as TextStream

_MODULE_OF = {
    "MusicBeam": "music_beam",
    "MusicSample": "music_beam",
    "MusicSampler": "music",
    "MusicStream": "music_stream",
    "Ranked": "ranking",
    "Sample": "text_stream",
    "Sampler": "base",
    "StreamState": "stream_state",
    "TextBeam": "text_beam",
    "TextSampler": "text",
    "TextStream": "text_stream",
}

__all__ = list(_MODULE_OF)

if not TYPE_CHECKING:  # as in `gen`

    def __getattr__(name: str) -> object:
        if name not in _MODULE_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *_MODULE_OF})
