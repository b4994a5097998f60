"""The roll shows what sounds, fits every screen, and stays within bounds however long the music is."""

import io
import itertools
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterable, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.color import ColorSystem, ColorType
from rich.console import Console
from rich.segment import Segment

from gen.cli import live_roll as module
from gen.cli.live_roll import Roll, live_roll
from gen.cli.roll_paint import COLOURS, LEVELS, Cell, Paint
from gen.music.score import Note, Pedal, Piece, Score, Tempo, TimeSignature
from tests.music.strategies import scores

TENTH = 100  # ticks in a tenth of a second, and in the finest column, where a beat has 500
SIXTEENTH = 120  # where a beat has 480
BEATS: list[Piece] = [TimeSignature(0, 4, 4), Tempo(0, 500_000)]


class Page(io.TextIOWrapper):
    """A file that is read as text, in an encoding of its own."""

    def __init__(self, encoding: str = "utf-8") -> None:
        super().__init__(io.BytesIO(), encoding=encoding, write_through=True)

    def text(self) -> str:
        return self.buffer.getvalue().decode(self.encoding)  # type: ignore[attr-defined,no-any-return]


def screen(
    width: int = 80, height: int = 24, *, encoding: str = "utf-8", colours: str | None = None, **options: object
) -> Console:
    environ: Mapping[str, str] = {"TERM": "xterm"}
    defaults: dict[str, object] = {"force_terminal": True, "_environ": environ}
    return Console(
        file=Page(encoding), width=width, height=height, color_system=colours, **(defaults | options)  # type: ignore[arg-type]
    )  # fmt: skip


def roll_of(pieces: Iterable[Piece], resolution: int = 500, *, finished: bool = False) -> Roll:
    roll = Roll(resolution)
    for piece in pieces:
        roll.show(piece)
    if finished:
        roll.finish()
    return roll


def lines(roll: Roll, console: Console) -> list[list[Segment]]:
    return [list(line) for line in console.render_lines(roll, console.options.update(height=None), pad=False)]


def drawn(roll: Roll, width: int = 80, height: int = 24, encoding: str = "utf-8") -> list[str]:
    return ["".join(s.text for s in line).rstrip() for line in lines(roll, screen(width, height, encoding=encoding))]


def rows(picture: list[str]) -> list[str]:
    """What is drawn right of the labels."""
    return [line[4:] for line in picture if line[3:4] in ("│", "|")]


# -- what is drawn where -----------------------------------------------------------------------------------------------


TUNE = [
    Note(0, 4 * TENTH, 60, 64),  # C4
    Note(0, 2 * TENTH, 61, 64),
    Note(4 * TENTH, 2 * TENTH, 62, 64),
    Note(6 * TENTH, 1 * TENTH, 71, 64),
    Note(8 * TENTH, 4 * TENTH, 72, 64),  # C5
]


def test_time_goes_to_the_right_and_pitch_upwards() -> None:
    assert drawn(roll_of(TUNE), 22) == [
        "   │┊         ┊",
        "   │┊         ┊",
        "   │┊         ┊",
        "   │┊         ┊",
        "   │┊         ┊",
        " C5│┊       ▄▄▄▄",
        "   │┊     ▀   ┊",
        "   │┊         ┊",
        "   │┊         ┊",
        "   │┊         ┊",
        "   │┊   ▄▄    ┊",
        " C4│██▄▄      ┊",
        "   │0:00      0:01",
        "5 notes  0:01",
    ]


def test_ascii_has_a_row_a_pitch() -> None:
    picture = drawn(roll_of(TUNE), 22, 40, "ascii")
    assert len(picture) == 24 + 2
    assert picture[11] == " C5||       #==="
    assert picture[12] == "   ||     #   |"
    assert picture[-5:] == [
        "   ||   #=    |",
        "   |#=        |",
        " C4|#===      |",
        "   |0:00      0:01",
        "5 notes  0:01",
    ]


def test_where_there_are_fewer_rows_they_hold_more_pitches() -> None:
    assert drawn(roll_of(TUNE), 22, 7) == [
        "   │┊         ┊",
        " C5│┊       ▄▄▄▄",
        "   │┊     ▀   ┊",
        " C4│▄▄▄▄▄▄    ┊",
        "   │0:00      0:01",
        "5 notes  0:01",
    ]


def test_repeated_notes_are_told_apart_by_their_onsets() -> None:
    repeated = [Note(i * 3 * TENTH, 3 * TENTH, 60, 64) for i in range(3)]
    assert rows(drawn(roll_of(repeated), 22, 40, "ascii"))[-2] == "#==#==#== |"
    console = screen(colours="truecolor")
    line = lines(roll_of(repeated), console)[11]
    colours = [str(s.style.color.get_truecolor().hex) for s in line if s.style and s.style.color for _ in s.text]
    assert colours[0] == colours[3] == colours[6] != colours[1]
    assert len(set(colours)) == 2
    bold = [s for s in lines(roll_of(repeated), screen())[11] if "▄" in s.text]
    assert [bool(s.style and s.style.dim) for s in bold] == [False, True] * 3


def test_bars_are_numbered_where_music_keeps_a_beat() -> None:
    notes = [Note(i * 480, 480, 60, 64) for i in range(15)]
    change = TimeSignature(2 * 4 * 480, 3, 4)
    picture = drawn(roll_of(Score.of(480, [*BEATS, change, *notes]).pieces(), 480), 84)
    ruler = picture[-2][4:]
    # in columns of a sixteenth, bars of 16 and then of 12
    assert {ruler.index(bar): bar for bar in ruler.split()} == {0: "1", 16: "2", 32: "3", 44: "4", 56: "5", 68: "6"}
    assert [i for i, c in enumerate(rows(picture)[0]) if c == "┊"] == [0, 16, 32, 44, 56, 68]
    assert picture[-1] == "15 notes  0:07  bar 5  120 bpm"


def test_the_seconds_are_those_of_the_tempi() -> None:
    pieces: list[Piece] = [TimeSignature(0, 4, 4), Tempo(0, 1_000_000), Note(0, 480, 60, 64), Tempo(960, 250_000)]
    pieces += [Note(960 + 480 * 40, 480, 60, 64)]
    assert drawn(roll_of(pieces, 480))[-1] == "2 notes  0:12  bar 11  240 bpm"


def test_metal_is_drawn_above_skins() -> None:
    hits = [(0, 36), (0, 42), (2, 42), (4, 38), (4, 42), (6, 46), (8, 36), (10, 49)]
    drums = [Note(at * SIXTEENTH, 1, pitch, 64, drum=True) for at, pitch in hits]
    assert drawn(roll_of([*BEATS, *drums], 480)) == [
        " dr│█ ▀ █ ▀ ▄ ▀",
        "   │1               2               3               4               5",
        "8 notes  0:01  bar 1  120 bpm",
    ]
    assert drawn(roll_of([*BEATS, *drums], 480), encoding="ascii")[0] == " dr|: ' : ' . '"
    with_tune = [*BEATS, *drums, Note(10 * SIXTEENTH, 1, 60, 64)]
    assert drawn(roll_of(with_tune, 480))[-4:-2] == [
        " C4│┊         ▄     ┊               ┊               ┊               ┊",
        " dr│█ ▀ █ ▀ ▄ ▀",
    ]


# -- which part of the music -------------------------------------------------------------------------------------------


def shown(roll: Roll, width: int = 80) -> str:
    """The row of the one pitch that there is."""
    return next((row for row in rows(drawn(roll, width)) if "▄" in row), "")


def test_the_piece_is_seen_from_its_beginning_in_coarser_columns() -> None:
    spans = {}
    for seconds in (7, 8, 15, 16, 30):  # of 76 columns, the finest hold 7.6
        onsets = [Note(t * 10 * TENTH, TENTH, 60, 64) for t in range(seconds + 1)]
        row = shown(roll_of(onsets))
        assert row.startswith("▄")
        spans[seconds] = row.rindex("▄")
    assert spans == {7: 70, 8: 40, 15: 75, 16: 40, 30: 75}


@pytest.mark.parametrize("width", [20, 33, 80])
def test_music_that_is_longer_moves_on_and_the_newest_note_stays_in_view(width: int) -> None:
    roll = Roll(500)
    columns = width - 4
    firsts = []
    for t in range(4 * columns):
        roll.show(Note(t * 5 * TENTH, TENTH, 60, 64))
        row = shown(roll, width)
        last = row.rindex("▄")
        assert last < columns
        firsts.append(t * 5 / 4 - last if t * 5 > 4 * columns else 0)  # columns that are hidden at the left
    moves = {round(b - a) for a, b in itertools.pairwise(firsts)}
    assert max(moves) in (columns // 4, columns // 4 + 1) and 0 in moves
    assert len([1 for a, b in itertools.pairwise(firsts) if b - a > 1.5]) <= 4 * 5  # it stands still between


def test_when_the_music_has_ended_all_of_it_is_seen() -> None:
    notes = [Note(t * 1000, 100, 60 + t % 12, 64) for t in range(200)]  # 200 s, where the coarsest columns hold 30
    notes.append(Note(200_000, 20_000, 72, 64))
    before, after = (drawn(roll_of(notes, finished=finished)) for finished in (False, True))
    assert "0:00" not in before[-2] and before[-1] == "201 notes  3:20"
    assert after[-2].startswith("   │0:00") and after[-1] == "201 notes  3:40"
    last = next(row for row in rows(after) if row.rstrip().endswith("▄"))
    assert 65 <= len(last.rstrip()) <= 76


def test_a_long_note_that_began_before_the_view_still_sounds_in_it() -> None:
    roll = roll_of([Note(0, 60_000, 60, 64), *(Note(t * 1000, 100, 72, 64) for t in range(1, 50))])
    picture = rows(drawn(roll))
    assert any(row.startswith("▄" * 60) for row in picture)


# -- every screen ------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    scores(), st.integers(1, 220), st.integers(1, 70), st.sampled_from(["utf-8", "ascii"]), st.booleans(),
    st.sampled_from([None, "standard", "256", "truecolor"]),
)  # fmt: skip
def test_it_fits_every_screen(
    score: Score, width: int, height: int, encoding: str, finished: bool, colours: str | None
) -> None:
    roll = roll_of(score.pieces(), score.resolution, finished=finished)
    console = screen(width, height, encoding=encoding, colours=colours)
    picture = lines(roll, console)
    assert 1 <= len(picture) <= max(1, height - 1)
    assert all(sum(s.cell_length for s in line) <= width for line in picture)
    if encoding == "ascii":
        assert all(s.text.isascii() for line in picture for s in line)
    console.print(roll)  # in its encoding


def test_on_a_screen_too_small_only_the_figures_stay() -> None:
    for width, height in ((80, 4), (11, 24), (80, 1)):
        assert drawn(roll_of(TUNE), width, height) == ["5 notes  0:01"[:width]]
    assert len(drawn(roll_of(TUNE), 12, 5)) == 4


def test_nothing_yet_is_no_roll() -> None:
    assert drawn(roll_of([])) == ["0 notes  0:00"]
    assert drawn(roll_of([Pedal(0, 0, True), *BEATS])) == ["0 notes  0:00  bar 1  120 bpm"]


# -- colours -----------------------------------------------------------------------------------------------------------

PARTS = [Note(0, 400, 60 + 2 * track, 127, track, 40 + track) for track in range(3)]


def test_tracks_have_colours_and_a_legend() -> None:
    picture = lines(roll_of(PARTS), screen(colours="truecolor", width=120))
    found: dict[tuple[int, ...], None] = {}
    for line in picture[:-2]:
        for segment in line:
            if segment.style and segment.style.color:
                found.setdefault(segment.style.color.get_truecolor(), None)
    assert [colour for colour in reversed(found) if colour in COLOURS] == list(COLOURS[:3])
    legend = [s for s in picture[-1] if "■" in s.text]
    assert [s.style.color.get_truecolor() for s in legend if s.style and s.style.color] == list(COLOURS[:3])
    assert "violin  ■ viola  ■ cello" in "".join(s.text for s in picture[-1])
    alike = [Note(0, 400, 60 + track, 127, track, 0) for track in range(3)]
    assert drawn(roll_of(alike))[-1] == "3 notes  0:00"  # three pianos need no names


def test_louder_notes_are_brighter() -> None:
    console = screen(colours="truecolor")
    brightness = []
    for velocity in (1, 64, 127):
        line = lines(roll_of([Note(0, 100, 60, velocity)]), console)[11]
        colour = next(s.style.color for s in line if s.style and s.style.color)
        brightness.append(sum(colour.get_truecolor()))
    assert brightness == sorted(set(brightness))


def test_one_place_shows_two_pitches_in_two_colours() -> None:
    roll = roll_of([Note(0, 100, 60, 127, 0), Note(0, 100, 61, 127, 1)])
    cell = next(s for s in lines(roll, screen(colours="truecolor"))[11] if "▀" in s.text)
    assert cell.style and cell.style.color and cell.style.bgcolor
    assert (cell.style.bgcolor.get_truecolor(), cell.style.color.get_truecolor()) == COLOURS[:2]


def test_sixteen_colours_are_the_terminals_own() -> None:
    styles = [s.style for line in lines(roll_of(PARTS), screen(colours="standard")) for s in line]
    colours = {style.color for style in styles if style and style.color}
    assert {colour.type for colour in colours} == {ColorType.STANDARD}
    assert {colour.name for colour in colours} >= {"bright_cyan", "cyan", "bright_yellow", "green"}


def test_no_color_is_honoured() -> None:
    roll = roll_of([*PARTS, Note(0, 100, 61, 127, 1)])
    console = screen(colours="truecolor", no_color=True)
    assert all(
        s.style is None or s.style.color is s.style.bgcolor is None for line in lines(roll, console) for s in line
    )
    assert "█" in "".join(s.text for s in lines(roll, console)[11])


@pytest.mark.parametrize("colours", ["standard", "256", "truecolor"])
def test_no_two_tracks_look_alike(colours: str) -> None:
    looks = set()
    for number, begins in itertools.product(range(len(COLOURS)), (True, False)):
        style = Paint(False, colours).notes(Cell(number, LEVELS // 2, begins), None, marked=False)[1]
        assert style and style.color
        looks.add(style.color.downgrade({"256": ColorSystem.EIGHT_BIT}.get(colours, ColorSystem.TRUECOLOR)))
    assert len(looks) == 2 * len(COLOURS)


# -- while it comes ----------------------------------------------------------------------------------------------------


def test_memory_does_not_grow_with_the_music() -> None:
    roll = Roll(480)

    def go_on(start: int) -> int:
        for i in range(start, start + 6000):
            roll.show(TimeSignature(i * 480, 1 + i % 7, 4))
            roll.show(Tempo(i * 480, 500_000 + i))
            roll.show(Note(i * 480, 480, 40 + i % 40, 64, i % 16, i % 128))
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        full, later = go_on(0), go_on(6000)
    finally:
        tracemalloc.stop()
    assert later - full < 50_000
    roll.finish()
    assert drawn(roll)[-1].startswith("12,000 notes")


def test_notes_come_while_it_is_drawn() -> None:
    roll, console = Roll(500), screen()
    failures: list[BaseException] = []
    done = threading.Event()

    def draw() -> None:
        try:
            while not done.is_set():
                console.print(roll)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=draw)
    thread.start()
    for i in range(6000):
        roll.show(Note(i * 10, 50, 40 + i % 40, 64, i % 5))
    done.set()
    thread.join()
    assert not failures


def on_screen(monkeypatch: pytest.MonkeyPatch, console: Console) -> Page:
    monkeypatch.setattr(module, "console", lambda: console)
    assert isinstance(console.file, Page)
    return console.file


def test_in_a_terminal_the_whole_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    page = on_screen(monkeypatch, screen(22, 24))
    stdout = sys.stdout
    with live_roll(500) as view:
        for note in [*TUNE, Note(8 * TENTH, 30 * TENTH, 60, 64)]:
            view.show(note)
        assert sys.stdout is stdout  # which is for the product
    left = page.text().rpartition("\x1b[2K")[2]
    assert " C4│" in left and left.index(" C5│") < left.index(" C4│") < left.index("6 notes  0:04")
    assert page.text().endswith("\n\x1b[?25h")  # the cursor is seen again


def test_an_error_leaves_the_terminal_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    page = on_screen(monkeypatch, screen())
    with pytest.raises(KeyboardInterrupt), live_roll(500) as view:
        view.show(TUNE[0])
        raise KeyboardInterrupt
    assert "1 notes" in page.text() and page.text().endswith("\x1b[?25h")


def test_a_screen_that_becomes_narrower_is_cleared(monkeypatch: pytest.MonkeyPatch) -> None:
    console = screen(60, 24)
    page = on_screen(monkeypatch, console)
    with live_roll(500) as view:
        view.show(TUNE[0])
        console.width = 70
        time.sleep(0.2)
        assert "\x1b[2J" not in page.text()
        console.width = 30
    assert page.text().count("\x1b[2J\x1b[H") == 1


def test_elsewhere_a_plain_line_comes_every_few_seconds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 100.0
    monkeypatch.setattr("gen.cli.live_roll.time.monotonic", lambda: now)
    for console in (screen(force_terminal=False), screen(_environ={"TERM": "dumb"})):
        page = on_screen(monkeypatch, console)
        with live_roll(500) as view:
            for i in range(97):
                view.show(Note(i * 125, 50, 60, 64))
                now += 0.125
        assert page.text() == ""  # lines go the way of all lines
        assert capsys.readouterr().err == "5.0 s, 41 notes\n10.0 s, 81 notes\n"
