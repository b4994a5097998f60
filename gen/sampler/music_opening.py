"""Where a piece of music begins: what the model reads first, and what is asked of what follows."""

from collections.abc import Sequence

import numpy as np

from gen.config import require
from gen.errors import ConfigError
from gen.music.events import TIME_SIGNATURES
from gen.music.grid import STEPS_PER_BEAT, STEPS_PER_SECOND
from gen.music.names import parse_instrument, parse_key, parse_range
from gen.music.score import Pedal, Piece, Score, Tempo, TimeSignature
from gen.sampler.music_stream import Opening
from gen.tokenizers import MidiTokenizer
from gen.tokenizers.midi_grammar import MusicGrammar
from gen.tokenizers.midi_rules import MusicRules, NoteGuard


def open_piece(
    tokenizer: MidiTokenizer,
    rules: MusicRules,
    prompt: Score | None,
    at: float | None,
    *,
    keep_prompt: bool,
    guard: NoteGuard | None = None,
) -> Opening:
    """Where a piece begins.

    Args:
        tokenizer: of the model.
        rules: what is asked of the piece.
        prompt: what it goes on from.
        at: the moment of the prompt to go on from, in seconds; None takes its last note.
        keep_prompt: the prompt is part of it.
        guard: over its notes; those of the prompt are told to it.

    Raises:
        ConfigError: the prompt has no notes, or no such moment.
        TokenizerError: it is longer than six hours.
    """
    table = rules.table
    grammar, decoder = MusicGrammar(rules, guard=guard), tokenizer.stream()
    if prompt is None:
        return Opening([table.boundary], grammar, decoder, [], 0)
    cut = prompt
    if at is not None:
        end = prompt.seconds_long
        require(0 < at <= end, "from", f"{at:g} s", f"a moment of the prompt, which lasts {end:.1f} s")
        cut = prompt.until(prompt.tick(at))
    ids = tokenizer.encode(cut)
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
    meter = rules.meter
    if meter is not None and meter != grammar.signature:
        wanted, running = (f"{n}/{d}" for n, d in (TIME_SIGNATURES[meter], TIME_SIGNATURES[grammar.signature]))
        raise ConfigError(f"meter is {wanted}, and the prompt is in {running}, which goes on: leave one of them out")
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
            pieces.append(Tempo(now, grammar.beat()))
    if not keep_prompt:
        pieces += [Pedal(now, track, True) for track, (down, _) in enumerate(grammar.pedals) if down]
    return pieces


def band(instruments: str | Sequence[str]) -> tuple[tuple[int, ...], bool]:
    """The programs that are asked for, and whether drums play."""
    if isinstance(instruments, str):
        instruments = instruments.split(",")
    programs = [parse_instrument(name) for name in instruments]
    return tuple(program for program in programs if program is not None), None in programs


def allowed_pitches(key: str | None, pitch_range: str | None) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """The pitches of a key within a range, (128,)."""
    pitches = np.ones(128, np.bool_)
    if key is not None:
        classes = parse_key(key)
        pitches &= np.array([pitch % 12 in classes for pitch in range(128)])
    if pitch_range is not None:
        low, high = parse_range(pitch_range)
        pitches[:low] = pitches[high + 1 :] = False
    return pitches
