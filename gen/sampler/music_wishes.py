"""What is wished of a piece of music, as rules, a beginning and an end."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gen.config import require
from gen.errors import ConfigError
from gen.music.events import TIME_SIGNATURES
from gen.music.names import parse_meter, parse_tonic
from gen.music.score import Score
from gen.sampler.music_lines import Line, Music
from gen.sampler.music_opening import allowed_pitches, band, open_piece
from gen.sampler.music_stream import Opening
from gen.tokenizers import MidiTokenizer
from gen.tokenizers.midi_ending import Ending
from gen.tokenizers.midi_grammar import MusicGrammar
from gen.tokenizers.midi_rules import DEFAULT_SILENCE, MusicRules, NoteGuard

DEFAULT_SECONDS = 30.0


def as_score(music: Score | str | os.PathLike[str] | None) -> Score | None:
    """The score of a MIDI file, if it is named by its path.

    Raises:
        MidiError: it cannot be read.
    """
    return None if music is None else read_score(music)


def read_score(music: Score | str | os.PathLike[str]) -> Score:
    """The same, of music that there is."""
    if isinstance(music, Score):
        return music
    from gen.music.midi_reader import read_midi  # its parser takes as long to load as all else

    return read_midi(music).score


def opened(
    tokenizer: MidiTokenizer,
    learned: Mapping[str, Any],
    prompt: Score | str | os.PathLike[str] | None,
    *,
    at: float | None = None,
    keep_prompt: bool = False,
    seconds: float | None = None,
    bars: int | None = None,
    max_tokens: int | None = None,
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
    no_copy: NoteGuard | None = None,
) -> Opening:
    """Where a piece begins, and what is asked of it, of a model that met so much (`gen.tokenizers.midi_rules.met`).

    The other arguments are those of `MusicSampler.stream`.

    Raises:
        ConfigError: a value is out of range, of no use to this model, or cannot be had beside the others.
        MidiError: the prompt's file cannot be read.
        TokenizerError: the prompt is longer than six hours.
    """
    line = Line.among(
        {"melody": melody, "pitches": pitches, "rhythm": rhythm, "humanise": humanise},
        {
            "prompt": prompt, "from": at, "keep_prompt": keep_prompt, "seconds": seconds, "bars": bars,
            "max_tokens": max_tokens, "ignore_end": ignore_end,
        },
    )  # fmt: skip
    for name, value in (("seconds", seconds), ("bars", bars), ("max_tokens", max_tokens)):
        sound = value is None or (isinstance(value, int | float) and 0 < value < 1e9)
        require(sound, name, value, "a number above 0, and below a billion")
    by_beats = {"bars": bars, "bpm": bpm, "meter": meter}
    for name, wanted in by_beats.items():
        if wanted is not None and tokenizer.clock != "beats":
            said = wanted if isinstance(wanted, str) else f"{wanted:g}"
            raise ConfigError(
                f"{name} is {said}; this model counts in seconds, not in beats: leave it out, or train one with "
                "--clock beats"
            )
    tonic = _tonic(key, max_tokens) if end_on_tonic else None
    require(bpm is None or 10 <= bpm <= 1000, "bpm", bpm, "beats a minute in 10 … 1000")
    programs, drums = band(instruments or ())
    if instruments is not None and drums and not learned["drums"]:
        raise ConfigError("instruments name drums, which this model never met: leave them out")
    bounded = any(it is not None for it in (line, seconds, bars, max_tokens))
    rules = MusicRules.of(
        tokenizer,
        max_silence=max_silence,
        pitches=allowed_pitches(key, pitch_range),
        programs=None if instruments is None else programs,
        **{**learned, **({} if instruments is None else {"drums": drums})},
        bpm=bpm,
        meter=None if meter is None else TIME_SIGNATURES.index(parse_meter(meter)),
        endless=ignore_end or seconds is not None or bars is not None,
        seconds=seconds if bounded else DEFAULT_SECONDS,
        bars=bars,
    )
    if line is not None:
        asked = " and ".join(
            f"the {name} {it}" for name, it in (("range", pitch_range), ("key", key)) if it is not None
        )
        asked = asked or "all 128 of them"
        rules, script = line.script(tokenizer, rules, learned, read_score, asked=asked, tonic=tonic)
        grammar = MusicGrammar(rules, plan=script, guard=no_copy)
        return Opening([rules.table.boundary], grammar, tokenizer.stream(), [], 0)
    opening = open_piece(tokenizer, rules, as_score(prompt), at, keep_prompt=keep_prompt, guard=no_copy)
    if tonic is not None:
        opening = replace(opening, grammar=Ending(tonic).begun(opening.grammar))
    return replace(opening, tokens=max_tokens)


def _tonic(key: str | None, max_tokens: int | None) -> int:
    """The pitch class that a piece ends on."""
    if key is None:
        raise ConfigError("end_on_tonic needs to know the key: give one, such as C or Am")
    if max_tokens is not None:
        raise ConfigError("end_on_tonic and max_tokens: ids may run out before the tonic comes; give seconds or bars")
    return parse_tonic(key)
