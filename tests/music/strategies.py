"""Random scores: any that can be made, however little sense they make."""

from hypothesis import strategies as st

from gen.music.score import Note, Pedal, Piece, Score, Tempo, TimeSignature

_times = st.integers(0, 4000)


@st.composite
def notes(draw: st.DrawFn) -> Note:
    """Few pitches and tracks, so that notes get in each other's way."""
    start, duration = draw(_times), draw(st.integers(1, 3000) | st.integers(1, 20_000))
    pitch = draw(st.integers(58, 63) | st.integers(0, 127))
    velocity = draw(st.integers(1, 127))
    if draw(st.integers(0, 4)) == 0:
        return Note(start, duration, pitch, velocity, drum=True)
    return Note(start, duration, pitch, velocity, draw(st.integers(0, 2) | st.integers(0, 15)), draw(_programs))


_programs = st.sampled_from([0, 0, 0, 40, 127])
pedals = st.builds(Pedal, _times, st.integers(0, 2), st.booleans())
tempi = st.builds(Tempo, _times, st.integers(1, 2**24 - 1) | st.integers(250_000, 2_000_000))
time_signatures = st.builds(
    TimeSignature, _times, st.integers(1, 20) | st.integers(1, 255), st.sampled_from([1, 2, 4, 8, 16, 32, 128])
)
resolutions = st.sampled_from([1, 24, 96, 220, 480, 500, 1024, 32767])


@st.composite
def scores(draw: st.DrawFn) -> Score:
    """Scores of at most forty notes."""
    resolution = draw(resolutions)
    pieces: list[Piece] = [*draw(st.lists(notes(), max_size=40)), *draw(st.lists(pedals, max_size=12))]
    if resolution >= 24:  # with fewer ticks in a beat, slow tempi make hours of four thousand
        pieces += draw(st.lists(tempi, max_size=4))
    return Score.of(resolution, [*pieces, *draw(st.lists(time_signatures, max_size=3))])
