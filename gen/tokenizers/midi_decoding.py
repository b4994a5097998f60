"""From ids to pieces of a score, as they come. Any ids make music: what makes no sense at its place says nothing."""

from gen.music.events import TIME_SIGNATURES, VELOCITY_WIDTH, EventTable, tempo_of
from gen.music.score import MAX_TICK, TRACKS, Note, Pedal, Piece, Tempo, TimeSignature
from gen.tokenizers.midi_encoding import START_VELOCITY

_LAST_TICK = MAX_TICK // 2  # no piece comes later, so none ends too late


class MidiStream:
    """Ids in, pieces out: a note when its duration is known. Times are ticks from the first id on.

    Args:
        table: of the ids.
        time: tick at which the first id stands.
    """

    def __init__(self, table: EventTable, time: int = 0) -> None:
        self._table = table
        self._time = time
        self._end = time  # of all notes so far
        self._down: dict[int, None] = {}  # tracks whose pedal is down, in order
        self._reset()

    def _reset(self) -> None:
        self._track = 0
        self._programs = [0] * TRACKS
        self._velocities = [START_VELOCITY] * (TRACKS + 1)
        self._velocity: int | None = None  # that the next note or hit has, and its part from there on
        self._pitch: int | None = None  # whose duration comes next

    def feed(self, id: int) -> list[Piece]:
        """Take one id; return the pieces that it completes."""
        table = self._table
        pitch, self._pitch = self._pitch, None
        if id < table.shift:  # the next piece begins when this one has ended
            lifted = self.flush()
            self._time = min(max(self._end, self._time), _LAST_TICK)
            self._reset()
            return lifted
        if id < table.velocity:
            self._time = min(self._time + (id - table.shift + 1) * table.ticks, _LAST_TICK)
        elif id < table.track:
            self._velocity = id - table.velocity
        elif id < table.program:
            self._track = id - table.track
        elif id < table.pitch:
            self._programs[self._track] = id - table.program
        elif id < table.duration:
            self._pitch = id - table.pitch
        elif id < table.drum:
            return [] if pitch is None else [self._note(pitch, int(table.durations[id - table.duration]))]
        elif id < table.pedal_on:
            self._end = max(self._end, self._time + table.ticks)
            return [Note(self._time, table.ticks, id - table.drum, self._loudness(TRACKS), drum=True)]
        elif id < table.bar:
            return self._pedal(id == table.pedal_on)
        elif id == table.bar:
            pass  # bars follow from the time signatures; the event is for the model
        elif id < table.tempo:
            return [TimeSignature(self._time, *TIME_SIGNATURES[id - table.time_signature])]
        else:
            return [Tempo(self._time, tempo_of(id - table.tempo))]
        return []

    def flush(self) -> list[Piece]:
        """Lift the pedals that are down, when all notes have ended."""
        self._end = max(self._end, self._time if self._down else 0)
        lifted: list[Piece] = [Pedal(self._end, track, False) for track in sorted(self._down)]
        self._down.clear()
        return lifted

    def _note(self, pitch: int, steps: int) -> Note:
        duration = steps * self._table.ticks
        self._end = max(self._end, self._time + duration)
        track = self._track
        return Note(self._time, duration, pitch, self._loudness(track), track, self._programs[track])

    def _loudness(self, part: int) -> int:
        """The velocity of the next note of a part: the centre of its bin."""
        if self._velocity is not None:
            self._velocities[part], self._velocity = self._velocity, None
        return self._velocities[part] * VELOCITY_WIDTH + VELOCITY_WIDTH // 2

    def _pedal(self, down: bool) -> list[Piece]:
        if down == (self._track in self._down):
            return []
        if down:
            self._down[self._track] = None
        else:
            del self._down[self._track]
        return [Pedal(self._time, self._track, down)]
