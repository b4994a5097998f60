"""Text from a model: characters as they come."""

import math
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from gen.config import Medium, SamplingConfig, TextConstraints, require
from gen.decoding import sample_streams, together
from gen.sampler.base import Sampler
from gen.sampler.constrained import constraint_for
from gen.sampler.ranking import Rank, Ranked, rank_by_likelihood, ranked
from gen.sampler.stream_state import Given
from gen.sampler.text_stream import Bounds, Origin, Sample, TextStream
from gen.tokenizers import TextTokenizer

if TYPE_CHECKING:
    from gen.decoding.beam_config import BeamKind
    from gen.novelty import NoCopy
    from gen.sampler.text_beam import TextBeam

DEFAULT_CHARACTERS = 500
_LONGEST = 4  # bytes of a character


class TextSampler(Sampler):
    """A model ready to write text.

    Args:
        checkpoint: the model.

    Raises:
        ConfigError: it is not a model of text.

    Example:
        >>> sampler = TextSampler.load("model.safetensors")
        >>> sample = sampler.sample("The ", n=20, seed=7, config=sampler.config(temperature=0.7))
        >>> len(sample.text), sample.finish
        (20, 'length')
    """

    medium: Medium = "text"

    @property
    def tokenizer(self) -> TextTokenizer:
        """Of the model."""
        return cast(TextTokenizer, self.checkpoint.tokenizer)  # as the base class has made sure

    def stream(
        self,
        prompt: str = "",
        *,
        n: int | None = DEFAULT_CHARACTERS,
        max_tokens: int | None = None,
        config: SamplingConfig | None = None,
        seed: int | None = None,
        stream: int = 0,
        stop: Sequence[str] = (),
        ignore_end: bool = False,
        constraints: TextConstraints | None = None,
        no_copy: "NoCopy | None" = None,
    ) -> TextStream:
        """Write on from `prompt`, piece by piece.

        Args:
            prompt: text to go on from; it is not part of the result.
            n: characters to write; None for no bound.
            max_tokens: ids to draw; None for no bound.
            config: temperature and filters.
            seed: of the draws; None takes a fresh one, to be read from the result.
            stream: which of the streams under `seed`.
            stop: strings that end the text, themselves left out.
            ignore_end: go on where the model ends a document.
            constraints: what the text has to be; None takes any.
            no_copy: what of the training text must not be copied.

        Raises:
            ConfigError: a value is out of range.
            TokenizerError: the prompt has characters that the model never saw.
        """
        return self.streams(
            prompt, streams=(stream,), n=n, max_tokens=max_tokens, config=config, seed=seed, stop=stop,
            ignore_end=ignore_end, constraints=constraints, no_copy=no_copy,
        )[0]  # fmt: skip

    def streams(
        self,
        prompt: str = "",
        *,
        streams: Sequence[int],
        n: int | None = DEFAULT_CHARACTERS,
        max_tokens: int | None = None,
        config: SamplingConfig | None = None,
        seed: int | None = None,
        stop: Sequence[str] = (),
        ignore_end: bool = False,
        constraints: TextConstraints | None = None,
        no_copy: "NoCopy | None" = None,
    ) -> list[TextStream]:
        """Several streams of one seed, drawn together where the engine can: sooner, and each as it is alone.

        They may be taken in any order; what one of them asks for is drawn for all that have not ended. They belong to
        one thread at a time.

        Args:
            prompt: as in `stream`, and so the others.
            streams: which of the streams under `seed`.
            n: characters to write, of each.
            max_tokens: ids to draw, of each.
            config: temperature and filters.
            seed: of the draws; None takes a fresh one for all.
            stop: strings that end a text.
            ignore_end: go on where the model ends a document.
            constraints: what the text has to be; None takes any.
            no_copy: what of the training text must not be copied.

        Raises:
            ConfigError: a value is out of range.
            TokenizerError: the prompt has characters that the model never saw.
        """
        for name, value in (("n", n), ("max_tokens", max_tokens)):
            require(value is None or value >= 1, name, value, "1 or more")
        settings = {"n": n, "max_tokens": max_tokens, "config": config, "stop": list(stop), "ignore_end": ignore_end}
        given = Given(prompt, {**settings, "constraints": constraints})
        origins, draws = [], []
        for stream in streams:
            seed, its_draws = self._draws(seed, stream)
            origins.append(Origin(prompt, seed, stream, None if no_copy else given))
            draws.append(its_draws)
        ids, known = self._prompt(prompt), self._known(config)
        bounds = Bounds(n or sys.maxsize, max_tokens or sys.maxsize, tuple(filter(None, stop)), ignore_end, constraints)
        held = constraint_for(self.tokenizer, prompt, bounds, known)
        constraint = together(held, no_copy and no_copy.after_all(ids))
        drawn = sample_streams(
            self._engine,
            [ids] * len(draws),
            config=known,
            draws=draws,
            constraints=[constraint] * len(draws) if constraint else None,
        )
        return [TextStream(its, self.tokenizer, bounds, origin) for its, origin in zip(drawn, origins, strict=True)]

    def sample(self, prompt: str = "", **settings: object) -> Sample:
        """Write on from `prompt` and return the whole; the arguments are those of `stream`."""
        pieces = self.stream(prompt, **settings)  # type: ignore[arg-type]
        text = "".join(pieces)
        assert pieces.finish is not None
        return Sample(text, prompt, pieces.seed, pieces.stream, pieces.tokens, pieces.finish)

    def beam(
        self,
        prompt: str = "",
        *,
        width: int = 8,
        kind: "BeamKind" = "deterministic",
        length_penalty: float | None = None,
        groups: int | None = None,
        diversity: float | None = None,
        no_repeat_ngram: int = 0,
        lag: int | None = None,
        n: int | None = DEFAULT_CHARACTERS,
        max_tokens: int | None = None,
        config: SamplingConfig | None = None,
        seed: int | None = None,
        stream: int = 0,
        stop: Sequence[str] = (),
        ignore_end: bool = False,
        constraints: TextConstraints | None = None,
        no_copy: "NoCopy | None" = None,
    ) -> "TextBeam":
        """Find the best text to go on from `prompt` with, and write it piece by piece, as far as it is certain.

        Args:
            prompt: text to go on from; it is not part of the result.
            width: as all up to `lag`, an attribute of `BeamConfig`.
            kind: as there.
            length_penalty: as there.
            groups: as there.
            diversity: as there.
            no_repeat_ngram: as there.
            lag: as there.
            n: characters to write; None for no bound.
            max_tokens: ids to write; None for no bound.
            config: temperature and filters; None takes the model as it is, and for a stochastic beam those of sampling.
            seed: of a stochastic beam; None takes a fresh one, to be read from the result.
            stream: which of the beams under `seed`.
            stop: strings that end a text, themselves left out.
            ignore_end: no text ends before it is as long as it may be.
            constraints: what the text has to be; None takes any.
            no_copy: what of the training text must not be copied.

        Raises:
            ConfigError: a value is out of range, or of no use to this kind of beam.
            TokenizerError: the prompt has characters that the model never saw.

        Example:
            >>> beam = text.beam("The ", width=4, n=60, lag=20)
            >>> written = "".join(beam)
            >>> best, second, *_ = beam.hypotheses()
            >>> written == best.sample.text, best.score >= second.score
            (True, True)
        """
        for name, value in (("n", n), ("max_tokens", max_tokens)):
            require(value is None or value >= 1, name, value, "1 or more")
        seed, _ = self._draws(seed, stream)
        from gen.decoding.beam import beam_search  # whoever samples does not wait for it
        from gen.decoding.beam_config import BeamConfig
        from gen.sampler.text_beam import TextBeam, TextLimit

        beam = BeamConfig(
            width=width, kind=kind, length_penalty=length_penalty, groups=groups, diversity=diversity,
            no_repeat_ngram=no_repeat_ngram, lag=lag,
        )  # fmt: skip
        bounds = Bounds(n or sys.maxsize, max_tokens or sys.maxsize, tuple(filter(None, stop)), ignore_end, constraints)
        ids = bounds.characters * (_LONGEST if self.tokenizer.units.min() < 1 else 1)
        length = min(ids, bounds.tokens)
        boundary = self.tokenizer.boundary
        read = self._prompt(prompt)
        known = self._known(config or (SamplingConfig() if kind == "stochastic" else SamplingConfig(temperature=1.0)))
        held = constraint_for(self.tokenizer, prompt, bounds, known)
        found = beam_search(
            self._engine,
            read,
            length=length,
            beam=beam,
            config=known,
            ends=() if boundary is None else (boundary,),
            least=length if ignore_end else 1,
            constraint=together(TextLimit.of(self.tokenizer, bounds), held, no_copy and no_copy.after_all(read)),
            seed=seed,
            stream=stream,
        )
        return TextBeam(found, self.tokenizer, bounds, Origin(prompt, seed, stream))

    def best_of(
        self, prompt: str = "", *, count: int = 8, rank: Rank = "mean", **settings: object
    ) -> tuple[Ranked[Sample], ...]:
        """Write several samples, and put the best first.

        Args:
            prompt: text to go on from.
            count: how many: streams 0 … `count` - 1 of the seed.
            rank: by "likelihood", the log-probability of what was written, or by its "mean" over the symbols, in nats;
                both by the model as it is, without temperature and filters. The end that a model wrote counts.
            settings: as in `streams`.

        Raises:
            ConfigError: a value is out of range.
            TokenizerError: the prompt has characters that the model never saw.

        Example:
            >>> best, *others = text.best_of("The ", count=3, n=40, seed=7)
            >>> best.sample == text.sample("The ", n=40, seed=7, stream=best.sample.stream)
            True
        """
        require(count >= 1, "count", count, "1 or more")
        require(rank in ("likelihood", "mean"), "rank", rank, "likelihood or mean, for text")
        streams = self.streams(prompt, streams=range(count), **settings)  # type: ignore[arg-type]
        texts = ["".join(stream) for stream in streams]
        written = [self.tokenizer.encode(text).tolist() for text in texts]
        for ids, stream in zip(written, streams, strict=True):
            if stream.finish == "end":
                ids.append(self.tokenizer.boundary)
        found = []
        from gen.decoding.likelihood import log_likelihoods

        likelihoods = log_likelihoods(self._engine, self._prompt(prompt), written)
        for text, ids, stream, nats in zip(texts, written, streams, likelihoods, strict=True):
            sample = Sample(text, prompt, stream.seed, stream.stream, stream.tokens, str(stream.finish))
            found.append(Ranked(sample, rank_by_likelihood(rank, nats, len(ids)), nats))
        return ranked(found)

    def _known(self, config: SamplingConfig | None) -> SamplingConfig:
        """The settings, with which nothing is written that the model has no word for."""
        config = config or SamplingConfig()
        given = {id for id, _ in config.logit_bias}
        banned = tuple((id, -math.inf) for id in self.tokenizer.unknown_ids if id not in given)
        return replace(config, logit_bias=(*config.logit_bias, *banned)) if banned else config

    def _prompt(self, prompt: str) -> list[int]:
        """What the model reads first."""
        start = [] if prompt and self.tokenizer.boundary is None else [self.tokenizer.start]
        return [*start, *self.tokenizer.encode(prompt).tolist()]
