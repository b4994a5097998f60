import numpy as np
import pytest

from gen.config import CLOCKS, Clock
from gen.music.events import TIME_SIGNATURES, bar_steps, event_table, tempo_bin, tempo_of


@pytest.mark.parametrize("clock", CLOCKS)
def test_every_id_has_a_name_of_its_own_and_stands_where_the_table_says(clock: Clock) -> None:
    table = event_table(clock)
    symbols = list(table.symbols())
    assert len(symbols) == len(set(symbols)) == table.size
    assert symbols[table.boundary] == "BOS"
    assert symbols[table.shift] == "TIME_SHIFT 1" and symbols[table.velocity - 1] == f"TIME_SHIFT {table.steps}"
    assert symbols[table.track + 15] == "TRACK 15" and symbols[table.program + 127] == "PROGRAM 127"
    assert symbols[table.pitch + 60] == "PITCH 60" and symbols[table.drum + 36] == "DRUM 36"
    assert symbols[table.duration] == "DURATION 1" and symbols[table.pedal_off] == "PEDAL_OFF"
    if clock == "beats":
        assert symbols[table.bar] == "BAR" and symbols[table.tempo + 42] == "TEMPO 500000"
        assert symbols[table.time_signature + TIME_SIGNATURES.index((6, 8))] == "TIME_SIGNATURE 6/8"


def test_a_duration_in_seconds_is_off_by_half_a_step_or_2_8_percent_at_most() -> None:
    table = event_table("seconds")
    lengths = np.linspace(1, 2000, 200_001)
    off = np.abs(table.durations[table.nearest_duration(lengths)] - lengths)
    assert off[lengths <= 50].max() <= 0.5
    assert (off / lengths)[lengths > 50].max() <= 0.028
    assert table.durations[-1] == 2000  # 20 s


def test_a_duration_in_beats_is_exact_up_to_four() -> None:
    table = event_table("beats")
    assert table.durations[:96].tolist() == list(range(1, 97))
    assert table.durations[96:].tolist() == list(range(108, 385, 12))  # halves of a beat, up to sixteen


@pytest.mark.parametrize("clock", CLOCKS)
def test_the_longest_duration_is_never_longer_than_its_room(clock: Clock) -> None:
    table = event_table(clock)
    room = np.arange(1, 3000)
    found = table.durations[table.longest_duration(room)]
    assert np.all(found <= room)
    following = np.append(table.durations[1:], 10**9)[table.longest_duration(room)]
    assert np.all(following > room)


def test_tempi_are_64_of_equal_ratio_and_round_trip() -> None:
    tempi = [60e6 / tempo_of(bin) for bin in range(64)]
    assert tempi[0] == pytest.approx(30) and tempi[-1] == pytest.approx(240) and 60e6 / tempo_of(42) == 120
    assert [tempo_bin(bpm) for bpm in tempi] == list(range(64))
    assert (tempo_bin(1), tempo_bin(10_000)) == (0, 63)
    assert np.diff(np.log(tempi)).std() < 1e-5


def test_bars_have_whole_steps() -> None:
    assert bar_steps(4, 4) == 96 and bar_steps(6, 8) == 72 and bar_steps(3, 4) == 72 and bar_steps(5, 16) == 30
    assert all(96 * n % d == 0 for n, d in TIME_SIGNATURES)
