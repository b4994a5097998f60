"""Music from a model: notes, pedals, tempi and time signatures in the order of their onsets, as they come."""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gen.config import Medium, SamplingConfig, require
from gen.decoding.beam import beam_search
from gen.decoding.beam_config import BeamConfig, BeamKind
from gen.decoding.likelihood import log_likelihoods
from gen.decoding.sampling import sample_streams, sample_tokens
from gen.music.score import Score
from gen.sampler.base import Sampler
from gen.sampler.music_beam import MusicBeam, MusicSample, Recorded, reopened
from gen.sampler.music_lines import Music
from gen.sampler.music_stream import MusicStream, Opening
from gen.sampler.music_wishes import as_score, opened
from gen.sampler.ranking import RANKS, Rank, Ranked, likeness, rank_by_likelihood, ranked, training_statistics
from gen.sampler.stream_state import Given
from gen.tokenizers import MidiTokenizer
from gen.tokenizers.midi_rules import DEFAULT_SILENCE, met

if TYPE_CHECKING:
    from gen.novelty import NoCopyMusic

NO_REPEAT_NGRAM = 12
"""Ids that no hypothesis of a beam repeats where nobody says otherwise: some three notes."""


class MusicSampler(Sampler):
    """A model ready to write music.

    Args:
        checkpoint: the model.

    Raises:
        ConfigError: it is not a model of music.

    Example:
        >>> sampler = MusicSampler(music.checkpoint)
        >>> sample = sampler.sample(tune, seconds=2, key="C", seed=7)
        >>> sample.score == sampler.stream(tune, seconds=2, key="C", seed=7).score()
        True
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
        meter: str | None = None,
        end_on_tonic: bool = False,
        melody: Music | None = None,
        pitches: Music | Sequence[str] | None = None,
        rhythm: Music | None = None,
        humanise: Music | None = None,
        no_copy: "NoCopyMusic | None" = None,
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
            meter: such as "3/4", from beginning to end (models by beats only).
            end_on_tonic: what is struck last is of the tonic of the `key`, and nothing else; so a given line must be.
            melody: a score, or the path of a MIDI file: the first of its tracks is the first of the piece, as it is,
                and the others are written to it ("tune.mid:2" takes the second). Of the four, one can be given,
                without a prompt or a length.
            pitches: names of pitches, or as above: they come in the first track, in their order and at times of the
                model's own.
            rhythm: as above: all notes but drums come when they do there, as long and as many, with pitches of the
                model's own.
            humanise: as above: all notes are given, and the model says how hard they are struck, and moves the pedals.
            no_copy: what of the training pieces must not be copied.

        Raises:
            ConfigError: a value is out of range, or of no use to this model.
            MidiError: the prompt's file cannot be read.
            TokenizerError: the prompt is longer than six hours.
        """
        seed, draws = self._draws(seed, stream)
        prompt = as_score(prompt)
        settings: dict[str, Any] = {
            "at": at, "keep_prompt": keep_prompt, "seconds": seconds, "bars": bars, "max_tokens": max_tokens,
            "key": key, "pitch_range": pitch_range, "bpm": bpm, "max_silence": max_silence, "ignore_end": ignore_end,
            "instruments": instruments if isinstance(instruments, str | None) else list(instruments),
            "meter": meter, "end_on_tonic": end_on_tonic,
        }  # fmt: skip
        lines = {"melody": melody, "pitches": pitches, "rhythm": rhythm, "humanise": humanise}
        opening = self._opened(prompt, {**settings, **lines, "no_copy": no_copy})
        ids = sample_tokens(
            self._engine,
            opening.ids,
            config=config or SamplingConfig.for_medium("music"),
            draws=draws,
            constraint=opening.grammar,
        )
        more = [no_copy, *lines.values()]  # than a state can hold
        given = Given(prompt, {**settings, "config": config}) if more.count(None) == len(more) else None
        return MusicStream(ids, opening, seed=seed, stream=stream, given=given)

    def sample(self, prompt: Score | str | os.PathLike[str] | None = None, **settings: object) -> MusicSample:
        """Write and return the whole; the arguments are those of `stream`."""
        return MusicSample.of(self.stream(prompt, **settings))  # type: ignore[arg-type]

    def beam(
        self,
        prompt: Score | str | os.PathLike[str] | None = None,
        *,
        width: int = 8,
        kind: BeamKind = "deterministic",
        length_penalty: float | None = None,
        groups: int | None = None,
        diversity: float | None = None,
        no_repeat_ngram: int = NO_REPEAT_NGRAM,
        lag: int | None = None,
        max_tokens: int | None = None,
        config: SamplingConfig | None = None,
        seed: int | None = None,
        stream: int = 0,
        **settings: Any,
    ) -> MusicBeam:
        """Find the best piece, or the best to go on from `prompt` with, and write it as far as it is certain.

        Args:
            prompt: as in `stream`.
            width: as all up to `lag`, an attribute of `BeamConfig`.
            kind: as there.
            length_penalty: as there.
            groups: as there.
            diversity: as there.
            no_repeat_ngram: as there; a likely piece is one that repeats itself, so here something is set.
            lag: as there.
            max_tokens: ids to write.
            config: temperature and filters; None takes the model as it is, and for a stochastic beam those of sampling.
            seed: of a stochastic beam; None takes a fresh one, to be read from the result.
            stream: which of the beams under `seed`.
            settings: the others of `stream`; each hypothesis is under its grammar and within its bounds.

        Raises:
            ConfigError: a value is out of range, or of no use to this model or kind of beam.
            MidiError: the prompt's file cannot be read.
            TokenizerError: the prompt is longer than six hours.

        Example:
            >>> beam = music.beam(tune, width=3, bars=2)
            >>> beam.score() == beam.hypotheses()[0].sample.score
            True
        """
        seed, _ = self._draws(seed, stream)
        beam = BeamConfig(
            width=width, kind=kind, length_penalty=length_penalty, groups=groups, diversity=diversity,
            no_repeat_ngram=no_repeat_ngram, lag=lag,
        )  # fmt: skip
        opening = self._opened(prompt, {**settings, "max_tokens": max_tokens})
        found = beam_search(
            self._engine,
            opening.ids,
            length=max_tokens or sys.maxsize,
            beam=beam,
            config=config or (SamplingConfig.for_medium("music") if kind == "stochastic" else None),
            ends=[self.tokenizer.table.boundary],
            constraint=opening.grammar,
            seed=seed,
            stream=stream,
        )
        return MusicBeam(found, opening, seed=seed, stream=stream)

    def best_of(
        self,
        prompt: Score | str | os.PathLike[str] | None = None,
        *,
        count: int = 8,
        rank: Rank = "mean",
        config: SamplingConfig | None = None,
        seed: int | None = None,
        **settings: Any,
    ) -> tuple[Ranked[MusicSample], ...]:
        """Write several pieces, and put the best first.

        Args:
            prompt: as in `stream`.
            count: how many: streams 0 … `count` - 1 of the seed.
            rank: by "likelihood", the log-probability of what was written, or by its "mean" over the ids, in nats; both
                by the model as it is, without temperature, filters and grammar. Or by "statistics": how near what can
                be measured of a piece is to the training set's own (`gen.sampler.ranking.likeness`).
            config: as in `stream`.
            seed: as there.
            settings: the others of `stream`.

        Raises:
            ConfigError: a value is out of range, or of no use to this model.
            MidiError: the prompt's file cannot be read.
            TokenizerError: the prompt is longer than six hours.

        Example:
            >>> best, *others = music.best_of(count=3, bars=2, seed=7)
            >>> best.sample.score == music.sample(bars=2, seed=7, stream=best.sample.stream).score
            True
        """
        require(count >= 1, "count", count, "1 or more")
        require(rank in RANKS, "rank", rank, f"one of {', '.join(RANKS)}")
        training = training_statistics(self.checkpoint.provenance) if rank == "statistics" else {}
        opening = self._opened(prompt, settings)
        draws = []
        for stream in range(count):
            seed, its_draws = self._draws(seed, stream)
            draws.append(its_draws)
        drawn = sample_streams(
            self._engine,
            [opening.ids] * count,
            config=config or SamplingConfig.for_medium("music"),
            draws=draws,
            constraints=[opening.grammar] * count,
        )
        recorded = [Recorded(ids) for ids in drawn]
        assert seed is not None
        samples = [
            MusicSample.of(MusicStream(ids, reopened(opening), seed=seed, stream=stream))
            for stream, ids in enumerate(recorded)
        ]
        written = [ids.taken for ids in recorded]
        found = []
        for sample, ids, nats in zip(
            samples, written, log_likelihoods(self._engine, opening.ids, written), strict=True
        ):
            if rank == "statistics":
                score = likeness(sample.score, self.tokenizer.clock, training)
            else:
                score = rank_by_likelihood(rank, nats, len(ids))
            found.append(Ranked(sample, score, nats))
        return ranked(found)

    def _opened(self, prompt: Score | str | os.PathLike[str] | None, settings: Mapping[str, Any]) -> Opening:
        return opened(self.tokenizer, met(self.checkpoint.provenance), prompt, **settings)
