"""What a model writes while it learns, for somebody who looks on."""

from itertools import islice

from gen.checkpoint import Checkpoint
from gen.config import SamplingConfig
from gen.decoding.sampling import sample_tokens
from gen.engine import engine_for
from gen.music.names import spelled
from gen.music.score import Score
from gen.random import Draws
from gen.tokenizers import MidiTokenizer
from gen.tokenizers.midi_grammar import MusicGrammar
from gen.tokenizers.midi_rules import MusicRules, met

_TOKENS = 160


def preview_of(checkpoint: Checkpoint, draws: Draws) -> str:
    """The beginning of a text; of a piece of music, the names of its pitches, those that begin together joined by +."""
    tokenizer, constraint = checkpoint.tokenizer, None
    if isinstance(tokenizer, MidiTokenizer):
        constraint = MusicGrammar(MusicRules.of(tokenizer, **met(checkpoint.provenance)))
    ids = sample_tokens(
        engine_for(checkpoint.model, checkpoint.weights),
        [tokenizer.start],
        config=SamplingConfig.for_medium(tokenizer.medium),
        draws=draws,
        constraint=constraint,
    )
    document = tokenizer.decode(list(islice(ids, _TOKENS)))
    return spelled(document.notes) if isinstance(document, Score) else document
