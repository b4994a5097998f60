import pytest

from gen.music.grid import fitting_clock, on_grid_share
from gen.music.score import Note, Score


def score(resolution: int, starts: list[int]) -> Score:
    return Score.of(resolution, [Note(start, 1, 60, 64) for start in starts])


@pytest.mark.parametrize(
    ("resolution", "starts", "share"),
    [
        (480, [0, 20, 40, 480], 1.0),
        (480, [0, 21, 39, 490], 0.25),
        (1024, [0, 43, 85, 128], 1.0),  # 42.67 ticks a step: the nearest tick counts
        (1024, [41, 44, 87, 129], 0.0),
        (24, [0, 1, 2, 3], 1.0),
        (480, [], 0.0),
    ],
)
def test_the_share_of_onsets_on_the_grid(resolution: int, starts: list[int], share: float) -> None:
    assert on_grid_share(score(resolution, starts)) == share


def test_nine_in_ten_on_the_grid_are_cut_by_beats() -> None:
    assert fitting_clock(90, 100) == "beats"
    assert fitting_clock(89, 100) == "seconds"
    assert fitting_clock(0, 0) == "seconds"
