"""Beams of music and the best of several pieces: valid, within bounds, under the grammar, and no loop."""

import math
from typing import Any

import pytest

from gen.checkpoint import Checkpoint
from gen.config import CLOCKS, Clock, ModelConfig, SamplingConfig
from gen.decoding.beam_config import BEAM_KINDS
from gen.errors import ConfigError
from gen.models.initialization import initial_weights
from gen.music.midi_reader import read_midi
from gen.music.midi_writer import midi_bytes
from gen.music.score import Note, Score
from gen.music.statistics import Statistics, compare, distribution
from gen.sampler import MusicSample, MusicSampler, Ranked, Sampler
from gen.sampler.ranking import likeness
from gen.tokenizers import MidiTokenizer

TRAINING = [Score.of(480, [Note(240 * n, 200, 60 + (n * k) % 12, 80) for n in range(30)]) for k in (1, 2, 3, 5)]


def untrained(clock: Clock) -> MusicSampler:
    tokenizer = MidiTokenizer(clock)
    model = ModelConfig(vocabulary_size=len(tokenizer.vocabulary), hidden=16, layers=1)
    statistics = distribution([Statistics.of(score).to_dict() for score in TRAINING])
    corpus = {"programs": [0, 40], "tracks": 3, "drums": True, "statistics": statistics}
    sampler = Sampler.of(Checkpoint(model, tokenizer, initial_weights(model, 0), {"corpus": corpus}))
    assert isinstance(sampler, MusicSampler)
    return sampler


SAMPLERS = {clock: untrained(clock) for clock in CLOCKS}
both = pytest.mark.parametrize("clock", CLOCKS)


@both
@pytest.mark.parametrize("kind", BEAM_KINDS)
def test_what_a_beam_finds_is_valid_music_and_streamed_is_whole(clock: Clock, kind: Any) -> None:
    sampler = SAMPLERS[clock]
    beam = sampler.beam(width=3, kind=kind, seconds=4, seed=2)
    pieces = list(beam)
    found = beam.hypotheses()
    assert Score.of(beam.resolution, pieces) == beam.score() == found[0].sample.score
    assert (beam.finish, beam.tokens, beam.seed) == (found[0].sample.finish, found[0].sample.tokens, 2)
    for it in found:
        score = it.sample.score
        reading = read_midi(midi_bytes(score).data)
        assert len(reading.score.notes) == len(score.notes) > 0 and not reading.warnings
        assert len(set(score.notes["pitch"].tolist())) > 1 or len(score.notes) < 4
    assert [it.score for it in sampler.beam(width=3, kind=kind, seconds=4, seed=2).hypotheses()] == [
        it.score for it in found
    ]


@both
def test_a_beam_keeps_to_what_was_asked(clock: Clock) -> None:
    beam = SAMPLERS[clock].beam(TRAINING[0], width=3, seconds=3, key="C", pitch_range="C3:C6", instruments="violin")
    score = beam.score()
    assert score.seconds_long <= 3 + 1e-6 and len(score.notes)
    assert {int(pitch) % 12 for pitch in score.notes["pitch"]} <= {0, 2, 4, 5, 7, 9, 11}
    assert all(48 <= pitch <= 84 for pitch in score.notes["pitch"]) and set(score.notes["program"].tolist()) == {40}


def test_bounds_of_every_kind_end_all_hypotheses() -> None:
    bars = SAMPLERS["beats"].beam(width=3, bars=2).hypotheses()
    assert all(len(it.sample.score.bar_lines()) <= 2 for it in bars)
    assert all(it.sample.tokens <= 25 for it in SAMPLERS["seconds"].beam(width=3, max_tokens=25).hypotheses())
    ending = SamplingConfig(temperature=1.0, logit_bias=((0, 12.0),))
    assert SAMPLERS["beats"].beam(width=3, config=ending).hypotheses()[0].sample.finish == "end"


def test_no_hypothesis_repeats_itself_unless_it_may() -> None:
    sampler = SAMPLERS["seconds"]

    def longest(**settings: Any) -> int:
        """The ids that come a second time, in a row."""
        beam = sampler.beam(width=2, seconds=20, config=SamplingConfig(temperature=0.01), **settings)
        ids = beam._beam.finish()[0].ids
        lengths = range(1, len(ids))
        return max(n for n in lengths if len({ids[k : k + n] for k in range(len(ids) - n + 1)}) < len(ids) - n + 1)

    assert longest() == 11
    assert longest(no_repeat_ngram=0) > 25


# ── The best of several ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("rank", ["mean", "likelihood", "statistics"])
def test_the_best_of_several_are_their_streams_in_order(rank: Any) -> None:
    sampler = SAMPLERS["seconds"]
    found: tuple[Ranked[MusicSample], ...] = sampler.best_of(count=4, rank=rank, seed=5, seconds=3)
    assert sorted(it.sample.stream for it in found) == [0, 1, 2, 3]
    assert [it.score for it in found] == sorted((it.score for it in found), reverse=True)
    for it in found:
        alone = sampler.sample(seed=5, stream=it.sample.stream, seconds=3)
        assert it.sample.score == alone.score and it.sample.tokens == alone.tokens
        if rank == "statistics":
            record = sampler.checkpoint.provenance["corpus"]["statistics"]
            distances = [it.distance for it in compare([Statistics.of(alone.score, "seconds")], record)]
            known = [min(distance, 5.0) for distance in distances if distance is not None]
            assert it.score == pytest.approx(-sum(known) / len(known))
        else:
            assert it.score == pytest.approx(it.log_probability / (alone.tokens if rank == "mean" else 1))


def test_no_metric_decides_alone_and_a_piece_without_notes_is_the_farthest() -> None:
    alike = Statistics.of(TRAINING[0]).to_dict()
    nearly = distribution([alike, alike | {"silence": 1e-17}])
    apart = likeness(TRAINING[1], "seconds", nearly)
    assert -5 <= apart < likeness(TRAINING[0], "seconds", nearly) <= 0
    assert likeness(Score.of(480, []), "seconds", nearly) == -math.inf


def test_mistakes_are_typed() -> None:
    sampler = SAMPLERS["seconds"]
    wrong: list[dict[str, Any]] = [{"width": 0}, {"bars": 2}, {"key": "H"}, {"seconds": -1}, {"seed": -1}]
    for values in wrong:
        with pytest.raises(ConfigError):
            sampler.beam(**values)
    for values in ({"count": 0}, {"rank": "best"}, {"bars": 2}):
        with pytest.raises(ConfigError):
            sampler.best_of(**values)
    checkpoint = sampler.checkpoint
    unknown = MusicSampler(Checkpoint(checkpoint.model, checkpoint.tokenizer, checkpoint.weights, {"corpus": {}}))
    with pytest.raises(ConfigError, match="no record of what its training set was like"):
        unknown.best_of(rank="statistics")
