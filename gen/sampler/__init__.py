"""The facade that the command line, the server and users share: a model file in, a stream of text or music out."""

from gen.sampler.base import Sampler
from gen.sampler.music import MusicSampler
from gen.sampler.music_beam import MusicBeam, MusicSample
from gen.sampler.music_stream import MusicStream
from gen.sampler.ranking import Ranked
from gen.sampler.stream_state import StreamState
from gen.sampler.text import TextSampler
from gen.sampler.text_beam import TextBeam
from gen.sampler.text_stream import Sample, TextStream

__all__ = [
    "MusicBeam",
    "MusicSample",
    "MusicSampler",
    "MusicStream",
    "Ranked",
    "Sample",
    "Sampler",
    "StreamState",
    "TextBeam",
    "TextSampler",
    "TextStream",
]
