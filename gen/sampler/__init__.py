"""The facade that the command line, the server and users share: a model file in, a stream of text or music out."""

from gen.sampler.base import Sampler
from gen.sampler.music import MusicSample, MusicSampler
from gen.sampler.music_stream import MusicStream
from gen.sampler.text import Sample, TextSampler, TextStream

__all__ = ["MusicSample", "MusicSampler", "MusicStream", "Sample", "Sampler", "TextSampler", "TextStream"]
