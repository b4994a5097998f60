import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gen.music.score import Note, Pedal, Piece, Score, Tempo
from gen.music.timbres import RATE, TIMBRES
from gen.music.voices import VOICE, voices

ORGAN, PIANO = 16, 0
TICK = RATE // 100  # samples of a tick of the scores below


def score(*pieces: Piece) -> Score:
    """Of 50 ticks a beat at 120 beats a minute: a tick is a hundredth of a second."""
    return Score.of(50, pieces)


def lifted(*pieces: Piece) -> list[float]:
    """The ticks at which the voices of some pieces are let go."""
    return [float(voice["lifted"]) / TICK for voice in voices(score(*pieces))]


def organ(start: int, duration: int, pitch: int = 60, track: int = 0) -> Note:
    return Note(start, duration, pitch, 80, track, ORGAN)


def hit(start: int, pitch: int) -> Note:
    return Note(start, 1, pitch, 80, drum=True)


def test_a_voice_is_what_its_note_says() -> None:
    (voice,) = voices(score(Note(100, 50, 67, 127, 3, ORGAN)))
    assert voice.dtype == VOICE
    assert (voice["start"], voice["lifted"]) == (100 * TICK, 150 * TICK)
    assert (voice["pitch"], voice["velocity"], voice["program"], voice["drum"]) == (67, 127, ORGAN, False)
    assert voice["gain"] == TIMBRES[ORGAN].level
    assert voice["release"] == pytest.approx(TIMBRES[ORGAN].release * RATE)
    assert voice["end"] - voice["lifted"] == pytest.approx(6.9 * voice["release"], abs=1)


def test_time_follows_the_tempo() -> None:
    found = voices(score(Tempo(100, 1_000_000), organ(50, 10, 60), organ(200, 10, 62)))
    assert found["start"].tolist() == [50 * TICK, (100 + 2 * 100) * TICK]
    assert found["lifted"].tolist() == [60 * TICK, (100 + 2 * 110) * TICK]


def test_the_pedal_holds_what_ends_while_it_is_down() -> None:
    pedals = [Pedal(20, 0, True), Pedal(90, 0, False)]
    assert lifted(organ(0, 30), *pedals) == [90]
    assert lifted(organ(0, 10), *pedals) == [10]  # over before it
    assert lifted(organ(0, 20), *pedals) == [20]  # at its beginning
    assert lifted(organ(0, 90), *pedals) == [90]  # at its end
    assert lifted(organ(0, 95), *pedals) == [95]  # the finger holds it longer
    assert lifted(organ(50, 10), *pedals) == [90]
    assert lifted(organ(91, 10), *pedals) == [101]


def test_a_pedal_that_changes_in_one_instant_lets_go_what_it_held() -> None:
    pedals = [Pedal(0, 0, True), Pedal(50, 0, False), Pedal(50, 0, True), Pedal(99, 0, False)]
    assert lifted(organ(1, 10), organ(20, 30, 64), organ(50, 20, 67), *pedals) == [50, 50, 99]


def test_the_pedal_is_that_of_its_track_and_drums_have_none() -> None:
    pedals = [Pedal(0, 1, True), Pedal(90, 1, False)]
    assert lifted(organ(1, 10, track=0), organ(1, 10, track=1), *pedals) == [11, 90]
    assert lifted(hit(1, 38), Pedal(0, 0, True), Pedal(900, 0, False)) == lifted(hit(1, 38))


def test_a_pedal_that_never_comes_up_holds_to_the_end() -> None:
    assert lifted(organ(0, 10), Pedal(5, 0, True), organ(100, 50, 72)) == [150, 150]


def test_the_same_key_ends_what_it_began() -> None:
    pedals = [Pedal(5, 0, True), Pedal(300, 0, False)]
    assert lifted(organ(0, 10), organ(50, 10), *pedals) == [50, 300]
    assert lifted(organ(0, 100), organ(50, 100)) == [50, 150]
    assert lifted(organ(0, 100), organ(50, 100, 61)) == [100, 150]
    assert lifted(organ(0, 100), organ(50, 100, track=1)) == [100, 150]
    assert lifted(organ(0, 100), organ(0, 30)) == [100]  # struck twice at once: once


def test_a_closed_hi_hat_ends_an_open_one() -> None:
    open_hat, closed = voices(score(hit(0, 46), hit(10, 42)))
    assert open_hat["lifted"] == closed["start"] < open_hat["end"] < RATE // 3
    ringing, _ = voices(score(hit(0, 46), hit(10, 38)))
    assert ringing["end"] > RATE // 2


def test_a_tone_ends_when_it_has_died_away_whoever_holds_it() -> None:
    high, held = voices(score(Note(0, 100_000, 100, 80, 0, PIANO), organ(0, 100_000, track=1)))
    assert high["end"] == pytest.approx(TIMBRES[PIANO].rings(100) * RATE, abs=1)
    assert held["end"] > 100_000 * TICK


def test_short_notes_are_not_swallowed_by_a_slow_attack() -> None:
    short, long = voices(score(Note(0, 10, 60, 80, 0, 48), Note(0, 100, 64, 80, 0, 48)))
    assert short["attack"] == pytest.approx(5 * TICK)
    assert long["attack"] == pytest.approx(TIMBRES[48].attack * RATE)


def test_louder_by_velocity_and_apart_by_part() -> None:
    found = voices(score(*(Note(0, 10, 50 + v, v, 0, ORGAN) for v in range(1, 78))))
    assert (np.diff(found["gain"]) > 0).all() and found["gain"].max() <= 1
    pans = voices(score(*(organ(0, 10, 60, track) for track in range(3))))["pan"].tolist()
    assert len(set(pans)) == 3 and max(map(abs, pans)) <= 1
    assert voices(score(organ(0, 10, 60)))["pan"] == voices(score(organ(0, 10, 60), hit(0, 38)))["pan"][-1]
    low, high = voices(score(organ(0, 10, 50), organ(0, 10, 90)))["pan"]
    assert low < high
    assert voices(score(organ(0, 10, 30, 5)))["pan"] == 0


@given(
    st.lists(st.tuples(st.integers(0, 300), st.integers(1, 200), st.integers(58, 62), st.booleans()), max_size=30),
    st.lists(st.tuples(st.integers(0, 400), st.booleans()), max_size=8),
)
def test_no_key_sounds_twice_and_none_before_or_after_its_time(
    notes: list[tuple[int, int, int, bool]], pedals: list[tuple[int, bool]]
) -> None:
    music = score(
        *(Note(start, length, pitch, 80, 0, 0 if drum else ORGAN, drum) for start, length, pitch, drum in notes),
        *(Pedal(time, 0, down) for time, down in pedals),
    )
    found = voices(music)
    assert len({(start, pitch, drum) for start, _, pitch, drum in notes}) == len(found)
    assert (found["start"] < found["lifted"]).all() and (found["start"] < found["end"]).all()
    assert (found["lifted"][~found["drum"]] <= music.end * TICK).all()
    for key in {(int(v["pitch"]), bool(v["drum"])) for v in found}:
        same = found[(found["pitch"] == key[0]) & (found["drum"] == key[1])]
        assert (same["lifted"][:-1] <= same["start"][1:]).all()


def test_nothing_makes_no_voices() -> None:
    assert len(voices(score())) == 0
    assert len(voices(score(Pedal(0, 0, True)))) == 0
