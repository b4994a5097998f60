"""`@tunes` and `@composer`: music that gen brings along or makes itself. Nothing is fetched."""

import hashlib
from functools import partial

from gen.corpus.music_documents import MusicDocument

PIECES = 300
"""Of `@composer`, where nobody says how many."""


def composed(count: int | None) -> list[MusicDocument]:
    """The first pieces of the composer; they are composed when they are read."""
    from gen.music.composer import VERSION, compose  # of no use to other corpora

    return [
        MusicDocument(f"composer/{n}", hashlib.sha256(f"{VERSION} {n}".encode()).digest(), compose=partial(compose, n))
        for n in range(PIECES if count is None else count)
    ]


def traditional() -> list[MusicDocument]:
    """The traditional tunes."""
    from gen.music.tunes import Tune, tunes  # of no use to other corpora

    def document(tune: Tune) -> MusicDocument:
        score = tune.score
        content = score.notes.tobytes() + score.tempi.tobytes() + score.time_signatures.tobytes()
        return MusicDocument(f"tunes/{tune.title}", hashlib.sha256(content).digest(), compose=lambda: score)

    return [document(tune) for tune in tunes()]
