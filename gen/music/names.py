"""What musicians call things: pitches, keys, and the instruments of General MIDI."""

import difflib
import re

from gen.errors import ConfigError
from gen.music.events import TIME_SIGNATURES
from gen.music.score import Columns

_LETTERS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_SHARPS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_ACCIDENTALS = {"": 0, "#": 1, "♯": 1, "b": -1, "♭": -1}
_SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10, 11)}  # minor: with its leading note
DRUMS = "drums"
"""How the drum kit is called beside the names of the instruments."""

_NAMES = """acoustic grand piano, bright acoustic piano, electric grand piano, honky-tonk piano, electric piano 1,
    electric piano 2, harpsichord, clavinet, celesta, glockenspiel, music box, vibraphone, marimba, xylophone,
    tubular bells, dulcimer, drawbar organ, percussive organ, rock organ, church organ, reed organ, accordion,
    harmonica, bandoneon, nylon guitar, steel guitar, jazz guitar, clean guitar, muted guitar, overdriven guitar,
    distortion guitar, guitar harmonics, acoustic bass, fingered bass, picked bass, fretless bass, slap bass 1,
    slap bass 2, synth bass 1, synth bass 2, violin, viola, cello, contrabass, tremolo strings, pizzicato strings,
    harp, timpani, string ensemble 1, string ensemble 2, synth strings 1, synth strings 2, choir, voice, synth voice,
    orchestra hit, trumpet, trombone, tuba, muted trumpet, french horn, brass section, synth brass 1, synth brass 2,
    soprano sax, alto sax, tenor sax, baritone sax, oboe, english horn, bassoon, clarinet, piccolo, flute, recorder,
    pan flute, bottle, shakuhachi, whistle, ocarina, square lead, sawtooth lead, calliope lead, chiff lead,
    charang lead, voice lead, fifths lead, bass lead, new age pad, warm pad, polysynth pad, choir pad, bowed pad,
    metallic pad, halo pad, sweep pad, rain, soundtrack, crystal, atmosphere, brightness, goblins, echoes, sci-fi,
    sitar, banjo, shamisen, koto, kalimba, bagpipe, fiddle, shanai, tinkle bell, agogo, steel drums, woodblock,
    taiko, melodic tom, synth drum, reverse cymbal, fret noise, breath noise, seashore, bird tweet, telephone,
    helicopter, applause, gunshot"""
INSTRUMENTS = tuple(name.strip() for name in _NAMES.split(","))
"""The 128 instruments of General MIDI by their programs."""


_USUAL = {"strings": 48, "synth": 80, "sax": 65}
"""Which of the instruments is meant by a word that several names contain."""


def pitch_name(pitch: int) -> str:
    """What a pitch is called: 60 is C4."""
    return f"{_SHARPS[pitch % 12]}{pitch // 12 - 1}"


def spelled(notes: Columns) -> str:
    """The names of the pitches of notes in order: "C4+E4+G4 D4"; of hits, "x"."""
    words: dict[int, list[str]] = {}
    for note in notes:
        words.setdefault(int(note["start"]), []).append("x" if note["drum"] else pitch_name(int(note["pitch"])))
    return " ".join("+".join(names) for names in words.values())


def parse_pitch(text: str) -> int:
    """The pitch that "C4", "F#3" or "Bb2" names, or a number 0 … 127 (`ConfigError` if it is none)."""
    match = re.fullmatch(r"([A-Ga-g])([#♯b♭]?)(-?\d)", text)
    if match:
        pitch = _LETTERS[match[1].lower()] + _ACCIDENTALS[match[2]] + 12 * (int(match[3]) + 1)
    else:
        pitch = int(text) if re.fullmatch(r"\d{1,3}", text, re.ASCII) else -1
    if not 0 <= pitch <= 127:
        raise ConfigError(f"pitch {text!r} is none of C-1 … G9: write it as C4, F#3 or Bb2, or as a number 0 … 127")
    return pitch


def parse_range(text: str) -> tuple[int, int]:
    """The lowest and the highest pitch of "C3:C6" (`ConfigError` if it is no range)."""
    low, colon, high = text.partition(":")
    if not colon:
        raise ConfigError(f"range {text!r} has no colon: write it as C3:C6")
    pair = parse_pitch(low), parse_pitch(high)
    if pair[0] > pair[1]:
        raise ConfigError(f"range {text!r} ends below its beginning: write the lower pitch first")
    return pair


def parse_key(text: str) -> frozenset[int]:
    """The pitch classes, 0 … 11, of "C", "F# minor", "Am" or "Bb major"; minor has its raised seventh, too.

    Raises:
        ConfigError: it names no key.
    """
    tonic, scale = _tonic_and_scale(text)
    return frozenset((tonic + step) % 12 for step in _SCALES[scale])


def parse_tonic(text: str) -> int:
    """The pitch class, 0 … 11, that a key is named after (`ConfigError` if it names none)."""
    return _tonic_and_scale(text)[0] % 12


def _tonic_and_scale(text: str) -> tuple[int, str]:
    match = re.fullmatch(r"([A-Ga-g])([#♯b♭]?)[ :-]*(m|min|minor|maj|major|)", text.strip())
    if not match:
        raise ConfigError(f"key {text!r} is not known: write it as C, Am, 'F# minor' or 'Bb major'")
    scale = "minor" if match[3] in ("m", "min", "minor") else "major"
    return _LETTERS[match[1].lower()] + _ACCIDENTALS[match[2]], scale


def parse_meter(text: str) -> tuple[int, int]:
    """Numerator and denominator of "3/4" (`ConfigError` if there is no event for it)."""
    match = re.fullmatch(r"\s*(\d{1,2})\s*/\s*(\d{1,2})\s*", text, re.ASCII)
    meter = (int(match[1]), int(match[2])) if match else None
    if meter not in TIME_SIGNATURES:
        raise ConfigError(f"meter {text!r} is not known: write it as 3/4, with 1 … 16 notes of the kind 2, 4, 8 or 16")
    return meter


def parse_instrument(text: str) -> int | None:
    """The program of an instrument's name or number, or of the first whose name contains it; None for "drums".

    Raises:
        ConfigError: there is no such instrument.
    """
    wanted = " ".join(text.lower().replace("_", " ").split())
    if wanted == DRUMS:
        return None
    if re.fullmatch(r"\d{1,3}", wanted, re.ASCII) and int(wanted) < len(INSTRUMENTS):
        return int(wanted)
    if wanted in INSTRUMENTS:
        return INSTRUMENTS.index(wanted)
    if wanted in _USUAL:
        return _USUAL[wanted]
    matches = [program for program, name in enumerate(INSTRUMENTS) if wanted and wanted in name]
    if matches:
        return matches[0]
    near = difflib.get_close_matches(wanted, [*INSTRUMENTS, DRUMS], n=1)
    hint = f"did you mean {near[0]}?" if near else "use a name of General MIDI, such as violin, its number, or drums"
    raise ConfigError(f"instrument {text!r} is not known: {hint}")
