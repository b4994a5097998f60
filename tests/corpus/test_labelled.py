"""Labelled documents: from tables and from folders, and one line for what cannot be read."""

import gzip
import json
from pathlib import Path

import pytest

from gen.corpus.documents import ReadingOptions
from gen.corpus.findings import Findings
from gen.corpus.labelled import Columns, class_of, read_rows
from gen.errors import CorpusError

OPTIONS = ReadingOptions()


def rows(path: Path, columns: Columns | None = None, findings: Findings | None = None) -> list[tuple[str, str | None]]:
    found = read_rows([str(path)], columns or Columns(), OPTIONS, findings or Findings())
    return [(row.text, row.label) for row in found]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", 'text,label\n"a, b",x\n c ,y \n'),
        ("t.csv", "label;text\nx;a, b\ny; c \n"),
        ("t.tsv", "label\ttext\nx\ta, b\ny\t c \n"),
        ("t.jsonl", '{"text": "a, b", "label": "x"}\n\n{"label": "y", "text": " c "}\n'),
        ("t.ndjson", '{"text": "a, b", "label": " x"}\n{"label": "y", "text": " c ", "more": [1]}\n'),
    ],
)
def test_every_table_gives_the_same_rows(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content, "utf-8")
    (tmp_path / f"{name}.gz").write_bytes(gzip.compress(content.encode()))
    expected = [("a, b", "x"), (" c ", "y")]
    assert rows(tmp_path / name) == rows(tmp_path / f"{name}.gz") == expected
    assert rows(tmp_path / name, Columns(labelled=False)) == [(text, None) for text, _ in expected]


def test_columns_may_have_other_names_and_labels_be_numbers(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text(
        "".join(json.dumps({"review": "r", "stars": stars}) + "\n" for stars in (1, 2.5, True, "x")), "utf-8"
    )
    found = rows(tmp_path / "t.jsonl", Columns("review", "stars"))
    assert [label for _, label in found] == ["1", "2.5", "true", "x"]
    (tmp_path / "t.csv").write_text("review,label\nr,1\n")
    assert rows(tmp_path / "t.csv") == [("r", "1")]  # the only column that is not the label's


def test_rows_without_a_label_are_counted_and_left_out(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("text,label\na,x\nb,\nc,y\n")
    findings = Findings()
    assert rows(tmp_path / "t.csv", findings=findings) == [("a", "x"), ("c", "y")]
    assert findings.left_out["a row without a label"][0] == 1
    (tmp_path / "t.jsonl").write_text('{"text": "a", "label": null}\n{"text": null, "label": "x"}\n')
    assert rows(tmp_path / "t.jsonl", findings=findings) == []


def test_a_folder_has_a_folder_for_each_class(tmp_path: Path) -> None:
    for name, text in {
        "x/1.txt": "a",
        "x/deep/2.txt": "b",
        "y/3.txt": "c",
        "stray.txt": "d",
        "y/p.png": "\x89PNG",
    }.items():
        path = tmp_path / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("latin-1") + (b"\r\n\x1a\n\0" if name.endswith("png") else b""))
    findings = Findings()
    assert rows(tmp_path / "set", findings=findings) == [("a", "x"), ("b", "x"), ("c", "y")]
    assert sum(count for count, _ in findings.left_out.values()) == 2
    assert class_of(str(tmp_path / "set"), str(tmp_path / "set" / "stray.txt")) is None
    assert len(rows(tmp_path / "set", Columns(labelled=False))) == 4


@pytest.mark.parametrize(
    ("name", "content", "needle"),
    [
        (
            "t.csv",
            "words,more,label\na,b,x\n",
            "which column holds the text? Found: words, more, label; name one with --text",
        ),
        ("t.csv", "text,class\na,x\n", "which column holds the label? Found: text, class; name one with --label"),
        ("t.csv", "text,label\na\n", "1 of the 2 fields that the header names: 'label' is missing"),
        ("t.jsonl", '{"text": 3, "label": "x"}\n', "its text is of type int"),
        ("t.jsonl", '{"text": "a", "label": []}\n', "its label is []"),
        ("t.jsonl", '{"text": "a"}\n', "which column holds the label? Found: text"),
        ("t.txt", "a\n", "no table"),
    ],
)
def test_what_is_no_labelled_row_gets_one_line(tmp_path: Path, name: str, content: str, needle: str) -> None:
    (tmp_path / name).write_text(content, "utf-8")
    with pytest.raises(CorpusError) as caught:
        rows(tmp_path / name)
    assert needle in str(caught.value)


def test_a_folder_without_classes_and_a_missing_file_get_one_line(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.txt").write_text("a")
    with pytest.raises(CorpusError, match="a folder for each class"):
        rows(tmp_path / "set")
    with pytest.raises(CorpusError, match="there is no such file or folder"):
        rows(tmp_path / "nowhere.csv")
