"""Music: scores, MIDI files, sound and pictures of them. Knows nothing of models and ids."""

from gen.music.score import Note, Pedal, Piece, Score, Tempo, TimeSignature

__all__ = ["Note", "Pedal", "Piece", "Score", "Tempo", "TimeSignature"]
