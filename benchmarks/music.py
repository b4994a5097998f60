"""What becomes of real music on its way through gen: `python benchmarks/music.py FOLDER [FOLDER …]`.

For each folder of MIDI files: how long reading takes, cold and from the cache; and over all its files, whether a piece
has one spelling and the same notes in three readers, and how far times, lengths and velocities move.
"""

import argparse
import bisect
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import mido
import numpy as np
import pretty_midi
import symusic

from gen.config import CLOCKS
from gen.corpus.token_corpus import TokenCorpus
from gen.errors import MidiError
from gen.music.composer import compose
from gen.music.midi_reader import read_midi
from gen.music.midi_writer import midi_bytes, write_midi
from gen.music.score import Columns, Score
from gen.tokenizers import MidiTokenizer
from gen.tokenizers.midi_encoding import encode

_READERS_EVERY = 20  # files between two that all three readers open: pretty_midi takes a tenth of a second for each


@dataclass
class Worst:
    """What was found over all files, by one clock."""

    onset: float = 0.0
    duration: float = 0.0
    velocity: int = 0
    notes: int = 0
    tokens: int = 0
    merged: int = 0
    shortened: int = 0
    respelled: list[str] = field(default_factory=list)


def main(arguments: Sequence[str]) -> int:
    """Print a table for each folder; 1 if a guarantee is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path, help="by default 100 pieces of the composer")
    broken = 0
    with tempfile.TemporaryDirectory() as composed:
        for folder in parser.parse_args(arguments).folders or [_composed(Path(composed) / "composer")]:
            print(f"\n{folder.name}")
            _reading(folder)
            broken += _guarantees(sorted(folder.rglob("*.mid")))
    return int(broken > 0)


def _composed(folder: Path) -> Path:
    """A folder of pieces that need no download."""
    folder.mkdir()
    for number in range(100):
        write_midi(compose(number), folder / f"{number:03}.mid")
    return folder


def _reading(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as cache:
        for how in ("cold", "from the cache"):
            began = time.perf_counter()
            corpus = TokenCorpus.open(folder, cache=Path(cache))
            print(f"read {how}: {time.perf_counter() - began:.2f} s, by {corpus.provenance['clock']}")


def _guarantees(files: Sequence[Path]) -> int:
    worst = {clock: Worst() for clock in CLOCKS}
    differ = []
    for number, path in enumerate(files):
        try:
            score = read_midi(path).score
        except MidiError as error:
            print(error)
            continue
        for clock in CLOCKS:
            _measure(score, MidiTokenizer(clock), worst[clock], path.name)
        if number % _READERS_EVERY == 0 and not _same_in_three(score):
            differ.append(path.name)
    print(
        f"{len(files)} files; every {_READERS_EVERY}th written and read by three readers: {len(differ)} differ {differ}"
    )
    for clock, it in worst.items():
        beyond = f"worst onset {1000 * it.onset:.2f} ms, duration {it.duration:.2%}, " if clock == "seconds" else ""
        print(
            f"by {clock}: {it.tokens / max(1, it.notes):.3f} tokens a note; {beyond}velocity {it.velocity}; "
            f"{it.merged:,} of {it.notes:,} notes merged, {it.shortened:,} shortened; "
            f"{len(it.respelled)} pieces spelled otherwise the second time {it.respelled[:3]}"
        )
    return len(differ) + sum(len(it.respelled) for it in worst.values())


def _measure(score: Score, tokenizer: MidiTokenizer, worst: Worst, name: str) -> None:
    encoded = encode(score, tokenizer.table)
    decoded = tokenizer.decode(encoded.ids)
    if not np.array_equal(tokenizer.encode(decoded), encoded.ids):
        worst.respelled.append(name)
    worst.notes += len(score.notes)
    worst.tokens += len(encoded.ids)
    worst.merged += encoded.merged
    worst.shortened += encoded.shortened
    if tokenizer.clock == "seconds":
        _distances(score, decoded, worst)


def _distances(score: Score, decoded: Score, worst: Worst) -> None:
    """How far the notes moved, but for those that may have been merged or shortened."""
    ours = _lone(score.notes[~score.notes["drum"]], score)
    places: dict[tuple[int, int], list[tuple[float, float, int]]] = {}
    for note in decoded.notes[~decoded.notes["drum"]]:
        place = (float(note["start"]) / 1000, float(note["duration"]) / 1000, int(note["velocity"]))
        places.setdefault((int(note["track"]), int(note["pitch"])), []).append(place)
    starts = score.seconds(ours["start"])
    lengths = score.seconds(ours["start"] + ours["duration"]) - starts
    for note, start, length in zip(ours, starts.tolist(), lengths.tolist(), strict=True):
        line = places[int(note["track"]), int(note["pitch"])]
        after = bisect.bisect(line, (start,))
        found = min(line[max(0, after - 1) : after + 1], key=lambda place: abs(place[0] - start))
        worst.onset = max(worst.onset, abs(found[0] - start))
        worst.velocity = max(worst.velocity, abs(found[2] - int(note["velocity"])))
        off = abs(found[1] - length)
        if off > 0.005 + 1e-6 and 0.005 <= length <= 20:  # what is shorter than half a step has one all the same
            worst.duration = max(worst.duration, off / length)


def _lone(notes: Columns, score: Score) -> Columns:
    """The notes that none of their track and pitch follows before 1.1 of their length, or comes within 20 ms of."""
    ordered = np.sort(notes, order=["track", "pitch", "start"])
    starts = score.seconds(ordered["start"])
    ends = score.seconds(ordered["start"] + ordered["duration"])
    same = np.append(
        (ordered["track"][1:] == ordered["track"][:-1]) & (ordered["pitch"][1:] == ordered["pitch"][:-1]), False
    )
    room = np.append(starts[1:] - starts[:-1], np.inf)
    free = ~same | (room > 1.1 * (ends - starts) + 0.02)
    crowded = np.append(False, same[:-1] & (room[:-1] < 0.02))
    lone: Columns = ordered[free & ~crowded]
    return lone


def _same_in_three(score: Score) -> bool:
    data = midi_bytes(score).data
    loud = sum(
        m.type == "note_on" and m.velocity > 0 for track in mido.MidiFile(file=BytesIO(data)).tracks for m in track
    )
    pretty = sum(len(part.notes) for part in pretty_midi.PrettyMIDI(BytesIO(data)).instruments)
    quick = sum(len(track.notes) for track in symusic.Score.from_midi(data).tracks)  # type: ignore[attr-defined, misc]
    return bool(loud == pretty == quick)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
