"""A damaged data directory opens as far as it can be, says what is out of reach, and loses nothing more."""

from __future__ import annotations

import logging
import os
import re
import shutil
import ssl
import subprocess
from pathlib import Path

import duckdb
import pytest
from tests.unit.in_process import Directory

from local_snowflake.account import Account
from local_snowflake.catalog.storage import DamagedDirectoryError
from local_snowflake.errors import SnowflakeError
from local_snowflake.protocol.certificates import ensure_certificate

NOISE = "(SELECT UUID_STRING() AS S FROM TABLE(GENERATOR(ROWCOUNT => 60000)))"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with tables in two databases, a tracked one among them, and a file in a stage."""
    directory = Directory(tmp_path_factory.mktemp("made") / "data")
    run = directory.open()
    for database in ("GOOD", "BAD"):
        run(f"CREATE DATABASE {database}")
        run(f"CREATE TABLE T AS SELECT * FROM {NOISE}")
        run("CREATE TABLE TRACKED (A INT) CHANGE_TRACKING = TRUE")
        run("CREATE STREAM CHANGES ON TABLE TRACKED")
        run("INSERT INTO TRACKED VALUES (1)")
        run("UPDATE TRACKED SET A = 2")
        run("CREATE STAGE ST")
        run("COPY INTO @ST/a.csv FROM (SELECT 1)")
    directory.close()
    return directory.path


@pytest.fixture
def damaged(made: Path, directory: Directory) -> Directory:
    """A copy of that directory."""
    shutil.copytree(made, directory.path)
    return directory


def files(path: Path) -> dict[str, int]:
    return {
        str(p.relative_to(path)): p.stat().st_size for p in path.rglob("*") if p.is_file() and "workers" not in p.parts
    }


def edit(directory: Directory, *statements: str) -> None:
    with duckdb.connect(str(directory.file)) as duck:
        for sql in statements:
            duck.execute(sql)


@pytest.mark.parametrize("kind", ["TABLE", "STAGE", "STREAM", "SCHEMA", "DATABASE"])
def test_an_object_that_cannot_be_read(damaged: Directory, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    of = "name = 'BAD'" if kind == "DATABASE" else "database = 'BAD'"
    edit(damaged, f"UPDATE \"$META\".objects SET props = '{{\"half\": 1}}' WHERE kind = '{kind}' AND {of}")
    before = files(damaged.path)
    with caplog.at_level(logging.WARNING):
        run = damaged.open()
    assert f"the {kind.lower()} BAD" in caplog.text
    assert files(damaged.path).keys() >= before.keys()
    assert run("SELECT COUNT(*) FROM GOOD.PUBLIC.T") == [(60000,)]
    assert run("SELECT A FROM GOOD.PUBLIC.CHANGES") == [(2,)]
    touch = {
        "TABLE": "SELECT * FROM BAD.PUBLIC.T",
        "STAGE": "LIST @BAD.PUBLIC.ST",
        "STREAM": "SELECT * FROM BAD.PUBLIC.CHANGES",
        "SCHEMA": "CREATE TABLE BAD.PUBLIC.NEW (A INT)",
        "DATABASE": "CREATE TABLE BAD.PUBLIC.NEW (A INT)",
    }
    for statement in (touch[kind], "DROP DATABASE BAD", "CREATE OR REPLACE DATABASE BAD"):
        with pytest.raises(SnowflakeError, match=rf"(?s)BAD.*out of reach|{kind.lower()} BAD"):
            run(statement)
    # history, offsets and files of what is out of reach are still there for a version that can read it
    assert run.duck('SELECT count(*) FROM "$META".tracked, "$META".offsets') == [(4,)]


def test_a_table_whose_rows_are_missing(damaged: Directory) -> None:
    edit(damaged, 'DROP TABLE "BAD.PUBLIC".T')
    run = damaged.open()
    with pytest.raises(SnowflakeError, match=r"The rows of table BAD.PUBLIC.T are missing"):
        run("SELECT * FROM BAD.PUBLIC.T")
    assert run("SELECT COUNT(*) FROM GOOD.PUBLIC.T") == [(60000,)]


def test_a_damaged_block_is_named_with_the_tables_of_the_statement(damaged: Directory) -> None:
    with duckdb.connect(str(damaged.file)) as duck:
        sql = "SELECT max(block_id) FROM pragma_storage_info('BAD.PUBLIC.T') WHERE persistent"
        ((block,),) = duck.execute(sql.replace("'BAD.PUBLIC.T'", '\'"BAD.PUBLIC"."T"\'')).fetchall()
    with damaged.file.open("r+b") as file:
        file.seek(12_288 + block * 262_144 + 1000)
        file.write(os.urandom(4000))
    run = damaged.open()
    with pytest.raises(SnowflakeError, match=r"(?s)BAD\.PUBLIC\.T.*is damaged.*local-snowflake check"):
        run("SELECT MAX(S) FROM BAD.PUBLIC.T")
    assert run("SELECT COUNT(DISTINCT LENGTH(S)) FROM GOOD.PUBLIC.T") == [(1,)]


def test_a_directory_of_a_later_version(damaged: Directory, caplog: pytest.LogCaptureFixture) -> None:
    edit(
        damaged,
        'UPDATE "$META".format SET number = 99',
        "UPDATE \"$META\".objects SET kind = 'ICEBERG TABLE' WHERE database = 'BAD' AND kind = 'STAGE'",
    )
    before = files(damaged.path)
    run = damaged.open()
    assert "a later version of the local Snowflake wrote the directory (format 99" in caplog.text
    assert "the iceberg table BAD.PUBLIC.ST" in caplog.text
    assert run("SELECT COUNT(*) FROM GOOD.PUBLIC.T") == [(60000,)]
    assert files(damaged.path).keys() >= before.keys()


@pytest.mark.parametrize("size", [0, 100, 12_287])
def test_an_interrupted_creation_is_begun_again(directory: Directory, size: int) -> None:
    directory.open()
    directory.close()
    os.truncate(directory.file, size)
    shutil.rmtree(directory.path / "stages", ignore_errors=True)
    assert directory.open()("SELECT 1") == [(1,)]
    assert [p.stat().st_size for p in directory.path.glob("*.unfinished-*")] == [size]


@pytest.mark.parametrize("kept", [0.0, 0.001, 0.1])
def test_a_file_that_is_cut_short_is_refused_in_words_and_kept(damaged: Directory, kept: float) -> None:
    os.truncate(damaged.file, int(damaged.file.stat().st_size * kept))
    before = files(damaged.path)
    with pytest.raises(DamagedDirectoryError, match=r"snowflake\.duckdb cannot be read.*backup"):
        Account(damaged.path)
    assert files(damaged.path) == before


def test_what_is_before_the_cut_is_served(damaged: Directory, caplog: pytest.LogCaptureFixture) -> None:
    run = damaged.open()
    # the last blocks of the file, once its own directory of them has moved before the rows
    run(f"CREATE TABLE BAD.PUBLIC.LATE AS SELECT * FROM {NOISE}")
    damaged.open()
    damaged.close()
    os.truncate(damaged.file, damaged.file.stat().st_size - 300_000)
    run = damaged.open()
    assert re.search(r"is cut short by \d+ bytes", caplog.text)
    assert run("SELECT COUNT(DISTINCT LENGTH(S)) FROM GOOD.PUBLIC.T") == [(1,)]
    with pytest.raises(SnowflakeError, match=r"(?s)BAD\.PUBLIC\.LATE is damaged"):
        run("SELECT MAX(S) FROM BAD.PUBLIC.LATE")
    assert run("SELECT COUNT(DISTINCT LENGTH(S)) FROM GOOD.PUBLIC.T") == [(1,)]


def test_no_new_file_takes_the_place_of_a_missing_one(damaged: Directory) -> None:
    damaged.file.unlink()
    before = files(damaged.path)
    with pytest.raises(
        DamagedDirectoryError, match=r"snowflake\.duckdb is missing, though stages of an account is there"
    ):
        Account(damaged.path)
    assert files(damaged.path) == before


def test_a_file_whose_free_end_was_given_back_is_whole(directory: Directory, caplog: pytest.LogCaptureFixture) -> None:
    """DuckDB cuts free blocks off at the end of a file, and counts them all the same when it opens it."""
    for _ in range(5):
        run = directory.open()
        for table in ("A", "B", "C"):
            rows = "TABLE(GENERATOR(ROWCOUNT => 60000))"
            run(f"CREATE OR REPLACE TABLE {table} AS SELECT RANDOM() AS X, UUID_STRING() AS Y FROM {rows}")
        for table in ("B", "C"):
            run(f"DROP TABLE {table}")
    run = directory.open()
    assert run("SELECT COUNT(*) FROM A") == [(60_000,)]
    assert "cut short" not in caplog.text


@pytest.mark.parametrize("damage", ["none", "cut", "garbage", "size", "unreadable"])
def test_a_damaged_log_is_read_up_to_the_damage(
    damaged: Directory, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Every kind is reported and the log kept, also the ones that DuckDB itself passes over in silence."""
    run = damaged.open()
    # as a server that is killed leaves it
    live = damaged.path.with_name("killed")
    run.duck("PRAGMA disable_checkpoint_on_shutdown")
    run.duck("CHECKPOINT")
    for n in range(20):
        run(f"CREATE TABLE T{n} AS SELECT {n} AS N, UUID_STRING() AS S FROM TABLE(GENERATOR(ROWCOUNT => 500))")
    shutil.copytree(damaged.path, live)
    killed = Directory(live)
    log = live / "snowflake.duckdb.wal"
    size = log.stat().st_size
    content = log.read_bytes()
    with log.open("r+b") as file:
        if damage == "cut":
            # within the entry that commits the last table
            file.truncate(size - 10)
        elif damage == "size":
            # the first entry claims to be longer than the log
            file.seek(content.index(b"\xff\xff") + 2)
            file.write((2**40).to_bytes(8, "little"))
        elif damage != "none":
            file.seek(10 if damage == "unreadable" else size // 2)
            file.write(os.urandom(300))
    there = log.read_bytes()
    run = killed.open()
    assert run("SELECT COUNT(*) FROM GOOD.PUBLIC.T") == [(60000,)]
    tables = [row[1] for row in run("SHOW TABLES IN D.PUBLIC")]
    expected = {"none": (20, 20), "size": (0, 0), "unreadable": (0, 0)}
    low, high = expected.get(damage, (4, 19))
    assert low <= len(tables) <= high
    assert [p.read_bytes() for p in live.glob("*.damaged-*")] == ([] if damage == "none" else [there])
    assert ("later transactions are lost" in caplog.text) == (damage != "none")
    run("CREATE TABLE NEXT (A INT)")
    run = killed.open()
    assert run("SELECT COUNT(*) FROM NEXT") == [(0,)]
    killed.close()


@pytest.mark.parametrize("name", ["ca.pem", "key.pem", "ca-bundle.pem"])
@pytest.mark.parametrize("content", [None, b"", b"-----BEGIN CERTIFICATE-----\nMII", b"another"])
def test_certificate_and_key_are_made_again_unless_they_are_whole(
    tmp_path: Path, name: str, content: bytes | None
) -> None:
    certificate, key = ensure_certificate(tmp_path, [])
    if content == b"another":
        (tmp_path / "other").mkdir()
        ensure_certificate(tmp_path / "other", [])
        content = (tmp_path / "other" / name).read_bytes()
    if content is None:
        (tmp_path / name).unlink()
    elif name != "ca-bundle.pem":
        (tmp_path / name).write_bytes(content)
    certificate, key = ensure_certificate(tmp_path, [])
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key)
    assert certificate.read_bytes() in (tmp_path / "ca-bundle.pem").read_bytes()


def test_a_full_disk_is_reported_and_nothing_committed_is_lost(small_disk: Path) -> None:
    directory, committed, failures = Directory(small_disk / "data"), 0, list[str]()
    run = directory.open()
    run.account.on_failure = failures.append
    run("CREATE TABLE T (S VARCHAR)")
    run.account.check()
    failure = ""
    while not failure:
        try:
            run(f"INSERT INTO T SELECT * FROM {NOISE}")
            committed += 1
        except SnowflakeError as error:
            failure = str(error)
    assert "No space left on device" in failure
    with pytest.raises(duckdb.FatalException):
        run.account.check()
    run.account.watch()
    assert "No space left on device" in failures[0]
    directory.close()
    subprocess.run(["mount", "-o", "remount,size=200m", str(small_disk)], check=True)
    ((rows,),) = directory.open()("SELECT COUNT(*) FROM T")
    # the commit that met the full disk may be there, too
    assert rows in (committed * 60_000, (committed + 1) * 60_000)
    directory.close()
