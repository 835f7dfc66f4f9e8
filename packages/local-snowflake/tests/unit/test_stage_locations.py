"""Stage paths: which files a location means, what PATTERN accepts, and how statements spell locations."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from local_snowflake.errors import SnowflakeError
from local_snowflake.sql.statement import Reader, tokenize
from local_snowflake.stages.files import read_location
from local_snowflake.stages.locations import Location, digests, matches, unquote_location

FILES = ("a.csv", "dir/a.csv", "dir/b.csv", "dir/sub/c.csv", "directory.csv", "dir2/d.csv")


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    for name in FILES:
        path = tmp_path / "st" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "st"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", FILES),
        ("dir/", ("dir/a.csv", "dir/b.csv", "dir/sub/c.csv")),
        # an object store knows prefixes, not directories
        ("dir", ("dir/a.csv", "dir/b.csv", "dir/sub/c.csv", "directory.csv", "dir2/d.csv")),
        ("dir/a.csv", ("dir/a.csv",)),
        ("dir/./sub", ("dir/sub/c.csv",)),
        ("none", ()),
    ],
)
def test_a_path_is_a_prefix(stage: Path, path: str, expected: tuple[str, ...]) -> None:
    files = Location(stage, path, "st/").files()
    assert [f.relative for f in files] == sorted(expected)
    assert [f.name for f in files] == [f"st/{name}" for name in sorted(expected)]


def test_a_pattern_matches_the_whole_name(stage: Path) -> None:
    assert [f.relative for f in Location(stage, "", "st/").files(".*/[ab][.]csv")] == [
        "a.csv",
        "dir/a.csv",
        "dir/b.csv",
    ]
    assert not matches("a", "a.csv")
    with pytest.raises(SnowflakeError, match=r"Invalid regular expression: '\('"):
        matches("(", "a.csv")


@pytest.mark.parametrize("path", ["../x", "a/../../x", "a/..", "x\0y"])
def test_no_path_leads_out_of_the_stage(stage: Path, path: str) -> None:
    with pytest.raises(SnowflakeError, match="leads out of the stage"):
        Location(stage, "", "st/").target(path)
    with pytest.raises(SnowflakeError, match="leads out of the stage"):
        Location(stage, path, "st/").files()


def test_a_changed_file_has_another_digest(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("1")
    first = digests(file)
    assert first == digests(file)
    file.write_text("22")
    assert digests(file) != first


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@st/dir", "@st/dir"),
        ("'@st/a b'", "@st/a b"),
        (r"'@st/it\'s'", "@st/it's"),
        ("'@st/it''s'", "@st/it's"),
        (" @~ ", "@~"),
    ],
)
def test_the_quotes_of_a_location_are_removed(text: str, expected: str) -> None:
    assert unquote_location(text) == expected


@pytest.mark.parametrize(
    ("sql", "location", "rest"),
    [
        ("@st/dir/a.csv FORCE = TRUE", "@st/dir/a.csv", "FORCE"),
        ("@%t FROM x", "@%t", "FROM"),
        ('@db.s."my Stage"/x y', '@db.s."my Stage"/x', "Y"),
        ("'@st/a b' PATTERN = 'x'", "@st/a b", "PATTERN"),
    ],
)
def test_a_location_is_read_up_to_its_end(sql: str, location: str, rest: str) -> None:
    reader = Reader(sql, tokenize(sql))
    assert read_location(reader) == location
    assert reader.peek() == rest


def test_a_statement_without_a_location_is_a_syntax_error() -> None:
    for sql in ("", "table"):
        with pytest.raises(SnowflakeError, match=re.compile("a stage")):
            read_location(Reader(sql, tokenize(sql)))
