"""Music from a model: notes, pedals, tempi and time signatures in the order of their onsets, as they come."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gen.config import Medium, SamplingConfig, require
from gen.decoding.sampling import sample_tokens
from gen.errors import ConfigError
from gen.music.events import TIME_SIGNATURES
from gen.music.grid import STEPS_PER_BEAT, STEPS_PER_SECOND
from gen.music.names import parse_instrument, parse_key, parse_range
from gen.music.score import Pedal, Piece, Score, Tempo, TimeSignature
from gen.sampler.base import Sampler
from gen.sampler.music_stream import Bounds, MusicStream, Opening, microseconds_of_beat
from gen.tokenizers import MidiTokenizer
from gen.tokenizers.midi_grammar import MusicGrammar
from gen.tokenizers.midi_rules import DEFAULT_SILENCE, MusicRules, met

DEFAULT_SECONDS = 30.0


@dataclass(frozen=True, slots=True, eq=False)
class MusicSample:
    """A finished sample.

    Attributes:
        score: what was written, from time 0 on; with the prompt, if it was to be kept.
        seed: with `stream`, what reproduces it.
        stream: which of the streams under that seed.
        tokens: ids drawn for it.
        finish: "length", or "end" (the model ended the piece).
    """

    score: Score
    seed: int
    stream: int
    tokens: int
    finish: str


class MusicSampler(Sampler):
    """A model ready to write music.

    Args:
        checkpoint: the model.

    Raises:
        ConfigError: it is not a model of music.
    """

    medium: Medium = "music"

    @property
    def tokenizer(self) -> MidiTokenizer:
        """Of the model."""
        tokenizer = self.checkpoint.tokenizer
        assert isinstance(tokenizer, MidiTokenizer)
        return tokenizer

    def stream(
        self,
        prompt: Score | str | os.PathLike[str] | None = None,
        *,
        at: float | None = None,
        keep_prompt: bool = False,
        seconds: float | None = None,
        bars: int | None = None,
        max_tokens: int | None = None,
        config: SamplingConfig | None = None,
        seed: int | None = None,
        stream: int = 0,
        key: str | None = None,
        pitch_range: str | None = None,
        bpm: float | None = None,
        instruments: str | Sequence[str] | None = None,
        max_silence: float = DEFAULT_SILENCE,
        ignore_end: bool = False,
    ) -> MusicStream:
        """Write a piece, or on from `prompt`, event by event. Whatever the model, what comes is well-formed music.

        Args:
            prompt: what to go on from: a score, or the path of a MIDI file.
            at: the moment of the prompt to go on from, in seconds; None takes its last note.
            keep_prompt: write the prompt, too; otherwise time 0 is where the new part begins.
            seconds: how long the new part is; it does not end before. Without any bound, 30 at most.
            bars: how many bars it has, after the one that the prompt ends in (models by beats only).
            max_tokens: ids to draw.
            config: temperature and filters; None takes those for music.
            seed: of the draws; None takes a fresh one, to be read from the result.
            stream: which of the streams under `seed`.
            key: such as "C", "Am" or "F# minor": the only pitch classes that notes have.
            pitch_range: such as "C3:C6": the lowest and the highest pitch.
            bpm: the tempo throughout (models by beats only).
            instruments: names, in one text with commas or one by one, a track for each in the model's order; "drums"
                among them lets drums play, too.
            max_silence: seconds without a sounding note, at most.
            ignore_end: go on where the model would end the piece, though no length is asked for.

        Raises:
            ConfigError: a value is out of range, or of no use to this model.
            MidiError: the prompt's file cannot be read.
            TokenizerError: the prompt is longer than six hours.
        """
        for name, value in (("seconds", seconds), ("bars", bars), ("max_tokens", max_tokens)):
            sound = value is None or (isinstance(value, int | float) and 0 < value < 1e9)
            require(sound, name, value, "a number above 0, and below a billion")
        by_beats = {"bars": bars, "bpm": bpm}
        for name, value in by_beats.items():
            if value is not None and self.tokenizer.clock != "beats":
                raise ConfigError(
                    f"{name} is {value:g}; this model counts in seconds, not in beats: leave it out, or train one with "
                    "--clock beats"
                )
        require(bpm is None or 10 <= bpm <= 1000, "bpm", bpm, "beats a minute in 10 … 1000")
        seed, draws = self._draws(seed, stream)
        learned = met(self.checkpoint.provenance)
        programs, drums = _band(instruments or ())
        if instruments is not None and drums and not learned["drums"]:
            raise ConfigError("instruments name drums, which this model never met: leave them out")
        rules = MusicRules.of(
            self.tokenizer,
            max_silence=max_silence,
            pitches=_pitches(key, pitch_range),
            programs=None if instruments is None else programs,
            **learned | ({} if instruments is None else {"drums": drums}),
            bpm=bpm,
            endless=ignore_end or seconds is not None or bars is not None,
        )
        if isinstance(prompt, str | os.PathLike):
            from gen.music.midi_reader import read_midi  # its parser takes as long to load as all else

            prompt = read_midi(prompt).score
        opening = self._open(rules, prompt, at, keep_prompt=keep_prompt)
        ids = sample_tokens(
            self._engine,
            opening.ids,
            config=config or SamplingConfig.for_medium("music"),
            draws=draws,
            constraint=opening.grammar,
        )
        if seconds is bars is max_tokens is None:
            seconds = DEFAULT_SECONDS
        return MusicStream(ids, opening, Bounds(seconds, bars, max_tokens), seed=seed, stream=stream)

    def sample(self, prompt: Score | str | os.PathLike[str] | None = None, **settings: object) -> MusicSample:
        """Write and return the whole; the arguments are those of `stream`."""
        pieces = self.stream(prompt, **settings)  # type: ignore[arg-type]
        score = pieces.score()
        assert pieces.finish is not None
        return MusicSample(score, pieces.seed, pieces.stream, pieces.tokens, pieces.finish)

    def _open(self, rules: MusicRules, prompt: Score | None, at: float | None, *, keep_prompt: bool) -> Opening:
        table = rules.table
        grammar, decoder = MusicGrammar(rules), self.tokenizer.stream()
        if prompt is None:
            return Opening([table.boundary], grammar, decoder, [], 0)
        cut = prompt
        if at is not None:
            end = prompt.seconds_long
            require(0 < at <= end, "from", f"{at:g} s", f"a moment of the prompt, which lasts {end:.1f} s")
            cut = prompt.until(prompt.tick(at))
        ids = self.tokenizer.encode(cut)
        sounding = ((ids >= table.duration) & (ids < table.pedal_on)).nonzero()[0]
        if not len(sounding):
            raise ConfigError("the prompt has no notes: give one that has, or none")
        ids = ids[: sounding[-1] + 1]  # pedals that are down stay down
        heard: list[Piece] = []
        written = [table.boundary, *ids.tolist()]
        for id in written[1:]:
            grammar = grammar.after(id)
            heard += decoder.feed(id)
        if at is not None:
            beats = table.clock == "beats"
            target = round(prompt.tick(at) * STEPS_PER_BEAT / prompt.resolution if beats else at * STEPS_PER_SECOND)
            for id in grammar.ids_until(target):
                grammar = grammar.after(id)
                decoder.feed(id)
                written.append(id)
        origin = 0 if keep_prompt else grammar.time * table.ticks
        now = 0 if not keep_prompt else grammar.time * table.ticks
        pieces = heard if keep_prompt else []
        pieces += _in_force(grammar, now, keep_prompt=keep_prompt)
        return Opening(written, grammar.reopened(), decoder, pieces, origin)


def _in_force(grammar: MusicGrammar, now: int, *, keep_prompt: bool) -> list[Piece]:
    """What the prompt leaves in force and the new part has to say for itself."""
    pieces: list[Piece] = []
    if grammar.rules.table.clock == "beats":
        if not keep_prompt:
            pieces.append(TimeSignature(now, *TIME_SIGNATURES[grammar.signature]))
        if not keep_prompt or grammar.rules.bpm is not None:
            pieces.append(Tempo(now, round(microseconds_of_beat(grammar))))
    if not keep_prompt:
        pieces += [Pedal(now, track, True) for track, (down, _) in enumerate(grammar.pedals) if down]
    return pieces


def _band(instruments: str | Sequence[str]) -> tuple[tuple[int, ...], bool]:
    """The programs that are asked for, and whether drums play."""
    if isinstance(instruments, str):
        instruments = instruments.split(",")
    programs = [parse_instrument(name) for name in instruments]
    return tuple(program for program in programs if program is not None), None in programs


def _pitches(key: str | None, pitch_range: str | None) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    pitches = np.ones(128, np.bool_)
    if key is not None:
        classes = parse_key(key)
        pitches &= np.array([pitch % 12 in classes for pitch in range(128)])
    if pitch_range is not None:
        low, high = parse_range(pitch_range)
        pitches[:low] = pitches[high + 1 :] = False
    return pitches
