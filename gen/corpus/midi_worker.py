"""A process that reads MIDI files for another: `python -m gen.corpus.midi_worker`.

A line with a path in JSON comes in; out go a line of JSON, `{"facts": …, "sizes": [bytes of the ids by each clock]}` or
`{"error": reason}`, and these ids. What a hostile file does to a reader it does to this process alone.
"""

import json
import sys

from gen.config import CLOCKS
from gen.corpus.piece import PieceFacts
from gen.errors import GenError, MidiError
from gen.music.midi_reader import read_midi


def answer(path: str) -> tuple[dict[str, object], bytes]:
    """What goes out for one file: the line's content, and the ids."""
    try:
        reading = read_midi(path)
        if not len(reading.score.notes):
            return {"error": "no notes"}, b""
        facts, ids = PieceFacts.of(reading.score, reading.warnings)
    except MidiError as error:
        return {"error": error.reason}, b""
    except GenError as error:
        return {"error": str(error)}, b""
    parts = [ids[clock].tobytes() for clock in CLOCKS]
    return {"facts": facts.to_dict(), "sizes": [len(part) for part in parts]}, b"".join(parts)


def main() -> None:
    """Answer until there is no more line."""
    for line in sys.stdin.buffer:
        head, data = answer(json.loads(line))
        sys.stdout.buffer.write(json.dumps(head).encode() + b"\n" + data)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
