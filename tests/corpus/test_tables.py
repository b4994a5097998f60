import csv
import io
import json
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gen.corpus.findings import Findings
from gen.corpus.readers import FileDocument, NotText, TextDocument, file_chunks
from gen.corpus.tables import csv_rows, json_rows, records
from gen.errors import CorpusError


def table(path: Path, content: str | bytes, *, keep_line_ends: bool = False) -> FileDocument:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    chunks = partial(file_chunks, str(path))
    return FileDocument(str(path), chunks, encoding=None, keep_line_ends=keep_line_ends, findings=Findings())


def texts(rows: list[TextDocument]) -> list[str]:
    return ["".join(row.blocks()) for row in rows]


def from_csv(path: Path, content: str, column: str | None = None, delimiters: str = ",;\t") -> list[str]:
    return texts(list(csv_rows(table(path, content), column=column, keep_line_ends=False, delimiters=delimiters)))


def from_json(
    path: Path, content: str | bytes, column: str | None = None, findings: Findings | None = None
) -> list[str]:
    rows = json_rows(table(path, content), column=column, keep_line_ends=False, findings=findings or Findings())
    return texts(list(rows))


FIELDS = st.lists(st.lists(st.text(alphabet='a ",\n\r;é'), min_size=1, max_size=4), max_size=5)


@given(rows=FIELDS, end=st.sampled_from(["\n", "\r\n"]))
@settings(derandomize=True, deadline=None)
def test_what_csv_writes_is_read_back(rows: list[list[str]], end: str) -> None:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(rows)
    lines = io.StringIO(file.getvalue(), newline="")
    assert [row for _, row in records(lines, ",", "a.csv")] == rows


@given(st.text(alphabet='a",\n'))
@settings(derandomize=True, deadline=None)
def test_any_text_is_read_as_csv_reads_it(text: str) -> None:
    expected = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    try:
        found = [row for _, row in records(io.StringIO(text, newline=""), ",", "a.csv")]
    except NotText:  # a quote that is never closed, which csv lets pass
        with pytest.raises(csv.Error):
            list(csv.reader(io.StringIO(text, newline=""), strict=True))
    else:
        assert found == expected


@pytest.mark.parametrize(
    ("content", "column", "expected"),
    [
        ("id,text\n1,one\n2,two\n", None, ["one", "two"]),
        ("id,text,note\r\n1,one,a\r\n2,two,b\r\n", "note", ["a", "b"]),
        ("line\nfirst\n\nsecond\n", None, ["first", "second"]),
        ("id;text\n1;a,b\n", None, ["a,b"]),
        ("id\ttext\n1\ta,b\n", None, ["a,b"]),
        ('text,n\n"two\nlines, ""quoted""",1\n', None, ['two\nlines, "quoted"']),
        ('text,n\n5" pipe,1\n', None, ['5" pipe']),
        ("text,n\nlast,1", None, ["last"]),
        ("text,n\n", None, []),
        ("", None, []),
    ],
)
def test_a_csv_column_is_its_documents(tmp_path: Path, content: str, column: str | None, expected: list[str]) -> None:
    assert from_csv(tmp_path / "a.csv", content, column) == expected


def test_a_tsv_is_separated_by_tabs_whatever_its_header(tmp_path: Path) -> None:
    assert from_csv(tmp_path / "a.tsv", "id, number\ttext\n1\tone, two\n", delimiters="\t") == ["one, two"]


def test_a_field_may_be_larger_than_a_block(tmp_path: Path) -> None:
    large = 'line "x"\n' * 300_000
    content = 'n,text\n1,"' + large.replace('"', '""') + '"\n2,small\n'
    assert from_csv(tmp_path / "a.csv", content) == [large, "small"]


def test_line_ends_within_fields_are_kept_if_asked_for(tmp_path: Path) -> None:
    file = table(tmp_path / "a.csv", 'text,n\r\n"a\r\nb",1\r\n', keep_line_ends=True)
    assert texts(list(csv_rows(file, column=None, keep_line_ends=True, delimiters=","))) == ["a\r\nb"]


@pytest.mark.parametrize(
    ("content", "column", "message"),
    [
        ("a,b\n1,2\n", None, r"a\.csv: which column holds the text\? Found: a, b; name one with --column"),
        ("a,b\n1,2\n", "c", r"a\.csv: there is no column 'c'\. Found: a, b;"),
        ("a\x1b[1m,b\n1,2\n", None, r"Found: 'a\\x1b\[1m', b;"),
        ("a,b,text\n1,2,3\n1,2\n", None, r"a\.csv:3: 2 of the 3 fields that the header names: 'text' is missing"),
        ('text,n\nx,1\n"never closed\nand on\n', None, r"a\.csv:3: a quote is opened here and not closed"),
    ],
)
def test_a_csv_that_cannot_be_read_says_why(tmp_path: Path, content: str, column: str | None, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        from_csv(tmp_path / "a.csv", content, column)


@given(st.lists(st.text(alphabet='ab"\\\n\r\u2028é🎼\x00')))
@settings(derandomize=True, deadline=None)
def test_json_lines_are_their_texts(tmp_path_factory: pytest.TempPathFactory, rows: list[str]) -> None:
    path = tmp_path_factory.mktemp("rows") / "a.jsonl"
    content = "\n\n".join(json.dumps({"id": 1, "text": row}, ensure_ascii=False) for row in rows)
    found = from_json(path, content)
    assert found == [row.replace("\r\n", "\n").replace("\r", "\n") for row in rows]


def test_rows_are_named_by_their_line(tmp_path: Path) -> None:
    file = table(tmp_path / "a.jsonl", '{"text": "a"}\r\n\r\n{"text": "b"}\r\n{"text": null}\n')
    rows = list(json_rows(file, column=None, keep_line_ends=False, findings=Findings()))
    assert [row.name for row in rows] == [f"{tmp_path / 'a.jsonl'}:1", f"{tmp_path / 'a.jsonl'}:3"]


def test_halves_of_characters_are_mended_and_counted(tmp_path: Path) -> None:
    findings = Findings()
    rows = r'{"text": "a\ud83db"}' + "\n" + r'{"text": "\ud83c\udfbc"}'
    assert from_json(tmp_path / "a.jsonl", rows, findings=findings) == ["a\ufffdb", "🎼"]
    assert findings.notices() == ("halves of characters (lone surrogates) in JSON: 1, replaced by U+FFFD",)


@pytest.mark.parametrize(
    ("content", "column", "message"),
    [
        ('{"a": 1, "b": "x"}', None, r"a\.jsonl:1: which column holds the text\? Found: a, b;"),
        ('{"a": 1}', "c", r"a\.jsonl:1: there is no column 'c'\. Found: a;"),
        ('{"text": "x"}\n{"b": 1}', None, r"a\.jsonl:2: which column"),
        ('{"text": 5}', None, r"a\.jsonl:1: 'text' is of type int: text is needed"),
        ('{"text": "x"}\n{"text": ', None, r"a\.jsonl:2: not JSON"),
        ('["text"]', None, r"a\.jsonl:1: a list in JSON"),
        ("[" * 100_000, None, r"a\.jsonl:1: not JSON"),
        ('{"text": ' + "9" * 10_000 + "}", None, r"a\.jsonl:1: not JSON"),
        ("{}", None, r"Found: none"),
        ('{"' + "a" * 999 + '": 1}', None, r"Found: a{40}…; name one"),
        (json.dumps({f"column {n}": 1 for n in range(99)}), None, r"column 11 …; name one"),
    ],
)
def test_json_that_cannot_be_read_says_why(tmp_path: Path, content: str, column: str | None, message: str) -> None:
    with pytest.raises(NotText, match=message):
        from_json(tmp_path / "a.jsonl", content, column)


def test_an_endless_line_is_refused_before_it_fills_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gen.corpus.tables._LONGEST_ROW", 3_000_000)
    with pytest.raises(NotText, match="a line of more than 3,000,000 characters"):
        from_json(tmp_path / "a.jsonl", '{"text": "' + "a" * 4_000_000)
    with pytest.raises(NotText, match="not closed in"):
        from_csv(tmp_path / "a.csv", 'text,n\n"' + "a\n" * 2_000_000)
