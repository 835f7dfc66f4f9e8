"""What is one record of a CSV file, on which line it begins, and what is none."""

from pathlib import Path

import pytest

from snowloop.lifecycle.data.csv_reader import Record, read_records


def records(folder: Path, content: str | bytes, encoding: str = "UTF-8") -> list[Record]:
    file = folder / "file.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read_records(file, ",", encoding))


@pytest.mark.parametrize(
    ("content", "fields"),
    [
        ('a,5" pipe\nb,6" pipe\nc,d\n', [("a", '5" pipe'), ("b", '6" pipe'), ("c", "d")]),
        ('a,"x, y"\n', [("a", "x, y")]),
        ('a,"say ""no"""\n', [("a", 'say "no"')]),
        ("a,b\r\nc,d\r\n", [("a", "b"), ("c", "d")]),
        ("a,b\rc,d\r", [("a", "b"), ("c", "d")]),
        ("a,b\nc,d", [("a", "b"), ("c", "d")]),
        ("\n\na,b\n\r\nc,d\n\n", [("a", "b"), ("c", "d")]),
        ("\ufeffa,b\n", [("a", "b")]),
        ('\ufeff"a",b\n', [("a", "b")]),
        (' "a",b\n', [(' "a"', "b")]),
        ("a,\n,\n", [("a", ""), ("", "")]),
        ('"",b\n', [("", "b")]),
        ("", []),
    ],
)
def test_fields(tmp_path: Path, content: str, fields: list[tuple[str, ...]]):
    assert [record.fields for record in records(tmp_path, content)] == fields


def test_a_record_has_its_text_and_the_line_on_which_it_begins(tmp_path: Path):
    content = '\r\na,"x\r\ny"\r\n\r\nb,"z\nz\nz"\nc,d\n'
    assert [(each.line, each.text) for each in records(tmp_path, content)] == [
        (2, 'a,"x\r\ny"'),
        (5, 'b,"z\nz\nz"'),
        (8, "c,d"),
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("after", ["c,d", 'c,"d"', 'c,""', '"c","d"', 'c,"d\nd"', "c,\n5, "])
def test_an_unclosed_quote_costs_its_own_line_alone(tmp_path: Path, end: str, after: str):
    bad, *good = records(tmp_path, end.join(["a,b", 'x,"y', after, "e,f", ""]))[1:]
    assert (bad.line, bad.text, bad.fields) == (2, 'x,"y', ())
    assert bad.error
    assert "not closed" in bad.error
    assert good == records(tmp_path, end.join(["", "", after, "e,f", ""]))


def test_each_of_many_unclosed_quotes_costs_its_own_line(tmp_path: Path):
    found = records(tmp_path, "".join(f'{row},"y\n' if row % 3 == 0 else f"{row},y\n" for row in range(3000)))
    assert len(found) == 3000
    assert [record.line for record in found if record.error] == list(range(1, 3001, 3))


def test_text_after_a_closing_quote_is_malformed(tmp_path: Path):
    good, bad, last = records(tmp_path, 'a,b\n"5" pipe",x\nc,d\n')
    assert (good.error, last.error, bad.line) == (None, None, 2)
    assert "text follows the closing quote" in str(bad.error)


def test_bytes_that_are_not_in_the_encoding_make_their_record_malformed(tmp_path: Path):
    first, bad, last = records(tmp_path, b"a,b\ncaf\xe9,\xff\xfeb\nc,d\n")
    assert (first.error, last.error, bad.line, bad.fields) == (None, None, 2, ())
    assert bad.text == "caf\ufffd,\ufffd\ufffdb"
    assert "byte 0xe9 is not UTF-8" in str(bad.error)
    assert "`encoding`" in str(bad.error)


@pytest.mark.parametrize("encoding", ["ISO-8859-1", "WINDOWS-1252", "UTF-16", "UTF-16LE", "BIG5", "SHIFT_JIS"])
def test_records_in_other_encodings(tmp_path: Path, encoding: str):
    text = "ä" if encoding[0] in "IW" else "台"
    found = records(tmp_path, f'{text},"x\n{text}"\nc,d\n'.encode(encoding), encoding)
    assert [record.fields for record in found] == [(text, f"x\n{text}"), ("c", "d")]


@pytest.mark.parametrize(
    ("encoding", "byte"), [("WINDOWS-1252", b"\x81"), ("UTF-16LE", b"\x41\xd8"), ("BIG5", b"\xff")]
)
def test_bytes_that_no_encoding_has_cost_their_line(tmp_path: Path, encoding: str, byte: bytes):
    end = "\n".encode(encoding)
    content = "a,b".encode(encoding) + end + "x,".encode(encoding) + byte + end + "c,d".encode(encoding)
    assert [record.error is None for record in records(tmp_path, content, encoding)] == [True, False, True]


def test_a_long_field_is_read(tmp_path: Path):
    (record,) = records(tmp_path, f'a,"{"x" * 500_000}"\n')
    assert len(record.fields[1]) == 500_000
