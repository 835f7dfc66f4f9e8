"""Files and wishes of which no first declaration can be made: one message each, and nothing is written."""

import gzip
from pathlib import Path

import pytest

from snowloop.errors import NewProjectError
from snowloop.new import new_project
from tests.support.first_files import customers, made, refusal, write

BROKEN = {
    "missing": (None, "there is no such file"),
    "empty": (b"", "the file is empty"),
    "blank": (b"\xef\xbb\xbf\n\n", "the file is empty"),
    "header only": (b"id,x,target\n", "it has no rows"),
    "other widths": (
        b"id,x,target\n1,2\n2,3\n",
        "a.csv:2: it has 2 fields, the header has 3; none of its 2 rows can be read",
    ),
    "latin-1": ("id,größe,target\n1,2,0\n".encode("latin-1"), "a.csv:1: byte 0xf6 is not UTF-8"),
    "utf-16": ("id,x,target\n1,2,0\n".encode("utf-16-le"), "NUL byte: if it is UTF-16"),
    "utf-16 with a mark": (
        "id,x,target\n1,2,0\n".encode("utf-16"),
        "a.csv: it is UTF-16: say so with --encoding UTF-16",
    ),
    "damaged gzip": (
        gzip.compress(b"id,x,target\n1,2,0\n" * 9)[:-9],
        "a.csv: its compressed content cannot be read to its end",
    ),
    "zip in gzip": (gzip.compress(b"PK\x03\x04\x14\0"), "a.csv: it is a workbook or a ZIP archive"),
    "damaged parquet": (b"PAR1\x15\x04\x15", "a.csv: this is no Parquet file that can be read"),
    "one column of json": (b'{"target": 1}\n{"target": 0}\n', "a.csv: it has one column, 'target'"),
    "no object of json": (b'{"id": 1\n', "a.csv: it has no rows"),
    "workbook": (b"PK\x03\x04\x14\0", "a.csv: it is a workbook or a ZIP archive"),
    "row names": (b'"x" "z"\n'.replace(b" ", b"\t") + b'"1"\t2\t3\n"2"\t3\t4\n', "such as row_name, before 'x' in the"),
    "comments": (b"# exported\n# today\nid,x,target\n1,2,0\n", "a.csv:1: this is a comment, not a header"),
    "trailing": (b"id,x,target\n1,2,0,\n2,3,1,\n", "a.csv:2: every row ends with a delimiter, the header does not"),
    "two characters": (b"id::x::target\n1::2::0\n", "a.csv:1: its fields are separated by two characters, '::'"),
    "two bars": (b"id||x||target\n1||2||0\n", "a.csv:1: its fields are separated by two characters, '||'"),
    "no header, text": (b"p,x,s\ne,x,p\np,s,x\ne,x,s\n", "the first record has values, not names (p, x, s ...)"),
    "twice": (b"id,x,x,target\n1,2,3,0\n", "column 'x' appears 2 times (columns 2, 3): give each"),
    "no header": (b"1,2,0\n2,3,1\n", "the first record has values, not names (1, 2, 0 ...)"),
    "one column": (b"id\n1\n2\n", "it has one column, 'id'"),
    "open quote": (b'id,x,target\n1,"2' + b"x" * 200_000, "a.csv:2: a quote opens a field and is not closed"),
    "one class": (b"id,x,target\n1,2,0\n2,3,0\n", "label target: it has the one value 0 in all rows"),
    "no label": (b"id,x,target\n1,2,\n2,3,\n", "label target: it has no value in all rows"),
    "too many classes": (b"id,x,target\n1,2,a\n2,3,b\n3,4,c\n", "too many for classes"),
    "a date as label": (b"id,x,target\n1,2,2024-01-01\n2,3,2024-01-02\n", "a date cannot be predicted"),
    "no feature": (
        b"id,target\n" + b"1,0\n2,1\n" * 1 + b"3,0\n4,1\n5,0\n6,1\n7,0\n8,1\n9,1\n10,0\n",
        "no column can be a",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_file_that_cannot_be_used_is_one_message(tmp_path: Path, case: str):
    content, says = BROKEN[case]
    file = tmp_path / "a.csv"
    if content is not None:
        file.write_bytes(content)
    message = refusal(tmp_path, file)
    assert says in message
    assert "a.csv" in message or "label target" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"key": ["nothing"]}, "--key nothing: the file has no such column; it has zip, age, fee (EUR)"),
        ({"key": ["age"]}, "--key age: it repeats, for example 20"),
        ({"key": ["order"]}, "--key order: 12 rows have no value in it"),
        ({"encoding": "latin-one"}, "--encoding: 'latin-one' is not an encoding that can be loaded"),
        ({"label": "nothing"}, "--label nothing: the file has no such column"),
        ({"key": ["zip"], "label": "zip"}, "--label zip: it is also the key"),
        ({"label": "joined"}, "label joined: a date cannot be predicted"),
        ({"name": "no way"}, "'no way' cannot be a project's name"),
        ({"name": "credit_approval"}, "project credit_approval is already declared in"),
    ],
)
def test_a_wish_that_cannot_be_met_is_one_message(tmp_path: Path, options: dict[str, object], says: str):
    assert says in refusal(tmp_path, write(tmp_path / "a.csv", customers()), **options)  # type: ignore[arg-type]


def test_a_folder_that_cannot_be_written_is_one_message(tmp_path: Path):
    (tmp_path / "projects").write_text("a file")
    with pytest.raises(NewProjectError, match=r"projects.*: name a file that can be read, and a folder that can be"):
        new_project("churn", write(tmp_path / "a.csv", customers()), folder=tmp_path / "projects")


def test_nothing_is_overwritten(tmp_path: Path):
    file = write(tmp_path / "a.csv", customers())
    made(tmp_path, file)
    (tmp_path / "projects" / "churn" / "model.py").write_text("mine")
    with pytest.raises(NewProjectError, match="already exists and is not overwritten"):
        new_project("churn", file, folder=tmp_path / "projects")
    assert (tmp_path / "projects" / "churn" / "model.py").read_text() == "mine"
