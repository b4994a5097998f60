"""Music to files, each in the form that its suffix says: what is heard, what is seen, and MIDI."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gen.errors import ConfigError

if TYPE_CHECKING:
    from gen.music.score import Score

MUSIC_SUFFIXES = (".mid", ".midi", ".wav", ".svg")
"""Those of the files that music can be written to: MIDI, sound and a piano roll."""


def check_outputs(paths: Sequence[Path]) -> None:
    """Refuse, before any work is done, what music cannot be written to.

    Raises:
        ConfigError: a suffix is not known, two paths are one, or a path is a folder.
    """
    known = f"{', '.join(MUSIC_SUFFIXES[:-1])} or {MUSIC_SUFFIXES[-1]}"
    for path in paths:
        if path.suffix.lower() not in MUSIC_SUFFIXES:
            found = f"the suffix {path.suffix} is not known" if path.suffix else "it has no suffix"
            raise ConfigError(f"{path}: {found}; music is written to {known}")
        if os.path.isdir(path):
            raise ConfigError(f"{path} is a folder: give the name of a file in it")
    spelled = [os.path.abspath(path) for path in paths]
    twice = next((path for path in paths if spelled.count(os.path.abspath(path)) > 1), None)
    if twice is not None:
        raise ConfigError(f"{twice} is given twice: give each output once")


def save_music(
    score: "Score", path: Path, *, title: str = "", beats: bool = False, names: Sequence[str] = ()
) -> tuple[str, ...]:
    """Write a score to a file, as its suffix says; the folder is made if need be.

    Args:
        score: the music.
        path: it has passed `check_outputs`.
        title: stands above a piano roll.
        beats: a piano roll is ruled in bars, not in seconds.
        names: of the score's tracks, for a piano roll.

    Returns:
        What the file could not hold as it was, each in one line.

    Raises:
        ConfigError: it is too long or too large for that form.
        StorageError: the disk refused.
    """
    from gen.storage import atomic_write, make_folder

    make_folder(path.parent)
    match path.suffix.lower():
        case ".wav":
            from gen.music.synth import write_wav

            write_wav(score, path)
        case ".svg":
            from gen.music.piano_roll import piano_roll_svg

            atomic_write(path, piano_roll_svg(score, title=title, beats=beats, names=names).encode())
        case _:
            from gen.music.midi_writer import write_midi

            return write_midi(score, path)
    return ()
