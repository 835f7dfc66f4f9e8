"""``check`` and ``backup`` of the command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from tests.unit.in_process import Directory

from local_snowflake.__main__ import main


@pytest.fixture
def filled(directory: Directory) -> Directory:
    run = directory.open()
    run("CREATE TABLE T AS SELECT 1 AS A")
    run("CREATE TABLE TRACKED (A INT) CHANGE_TRACKING = TRUE")
    run("CREATE STREAM CHANGES ON TABLE TRACKED")
    run("INSERT INTO TRACKED VALUES (1)")
    run("CREATE STAGE ST")
    run("COPY INTO @ST/f.py FROM (SELECT 1) FILE_FORMAT = (COMPRESSION = NONE) SINGLE = TRUE")
    run(
        "CREATE FUNCTION F() RETURNS INT LANGUAGE PYTHON RUNTIME_VERSION = '3.11' IMPORTS = ('@ST/f.py') HANDLER = 'g' "
        "AS 'def g(): return 1'"
    )
    directory.close()
    return directory


def test_check_lists_what_is_there(filled: Directory, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in filled.path.rglob("*")}
    assert main(["check", "--data-dir", str(filled.path)]) == 0
    expected = "database D: 1 function, 2 schemas, 1 stage, 1 stream, 2 tables\nNo damage was found.\n"
    found, _, handlers = capsys.readouterr().out.partition("Python handlers are ")
    assert found == expected
    assert handlers
    assert {path: path.stat().st_mtime_ns for path in filled.path.rglob("*")} == before


def test_check_names_what_is_damaged(filled: Directory, capsys: pytest.CaptureFixture[str]) -> None:
    with duckdb.connect(str(filled.file)) as duck:
        duck.execute('DROP TABLE "D.PUBLIC".T')
        duck.execute('CREATE TABLE "D.PUBLIC".NOBODYS (A INT)')
        duck.execute("UPDATE \"$META\".objects SET props = '{}' WHERE kind = 'STREAM'")
    (staged,) = filled.path.glob("stages/*/f.py")
    staged.unlink()
    assert main(["check", "--data-dir", str(filled.path)]) == 1
    shown = capsys.readouterr().out
    for damage in (
        "table D.PUBLIC.T: The rows of table D.PUBLIC.T are missing",
        "stream D.PUBLIC.CHANGES: The data directory has the stream D.PUBLIC.CHANGES, which this version",
        "the rows of D.PUBLIC.NOBODYS belong to no table of the account",
        'function D.PUBLIC."F()": its import @D.PUBLIC.ST/f.py is missing',
        "What to do: ",
    ):
        assert damage in shown


@pytest.mark.parametrize("command", ["check", "backup"])
def test_a_directory_that_is_served_is_refused(
    filled: Directory, tmp_path: Path, command: str, capfd: pytest.CaptureFixture[str]
) -> None:
    filled.open()
    arguments = [command, "--data-dir", str(filled.path), *(["--to", str(tmp_path / "copy")] * (command == "backup"))]
    assert subprocess.run([sys.executable, "-m", "local_snowflake", *arguments], check=False).returncode == 1
    assert "is being served: stop the server first" in capfd.readouterr().err
    assert not (tmp_path / "copy").exists()


def test_a_backup_opens(filled: Directory, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backup", "--data-dir", str(filled.path), "--to", str(tmp_path / "copy")]) == 0
    assert "No damage was found." in capsys.readouterr().out
    copy = Directory(tmp_path / "copy")
    run = copy.open()
    assert run("SELECT * FROM CHANGES")[0][0] == 1
    assert [row[0] for row in run("LIST @ST")] == ["st/f.py"]
    copy.close()
    assert main(["backup", "--data-dir", str(filled.path), "--to", str(tmp_path / "copy")]) == 1
    assert "is there already" in capsys.readouterr().err
    assert main(["backup", "--data-dir", str(tmp_path / "none"), "--to", str(tmp_path / "copy2")]) == 1
    assert main(["backup", "--data-dir", str(filled.path), "--to", str(filled.path / "in")]) == 1
