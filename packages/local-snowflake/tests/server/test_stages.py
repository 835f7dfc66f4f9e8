"""Stages and their files: PUT, GET, LIST, REMOVE, COPY FILES, over both ports, and file formats."""

from __future__ import annotations

import gzip
import io
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import snowflake.connector
from snowflake.connector.errors import OperationalError
from snowflake.snowpark import Row, Session
from snowflake.snowpark.exceptions import SnowparkSQLException

from local_snowflake.testing import LocalSnowflake


def over_https(server: LocalSnowflake, options: dict[str, Any]) -> dict[str, Any]:
    state = json.loads((server.data_dir / "server.json").read_text())
    return options | {"protocol": "https", "host": "localhost", "port": state["port"], "disable_ocsp_checks": True}


@pytest.fixture(scope="module", params=["http", "https"])
def session(
    request: pytest.FixtureRequest, local_snowflake: LocalSnowflake, snowflake_connection: dict[str, Any]
) -> Iterator[Session]:
    """A session over one of the ports; the certificate is trusted as a client has to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REQUESTS_CA_BUNDLE", str(local_snowflake.data_dir / "ca-bundle.pem"))
        secure = request.param == "https"
        options = over_https(local_snowflake, snowflake_connection) if secure else snowflake_connection
        made = Session.builder.configs(options).create()
        made.sql(f"CREATE OR REPLACE DATABASE T_STAGES_{request.param}").collect()
        yield made
        made.close()


@pytest.fixture
def stage(session: Session) -> str:
    run(session, "CREATE OR REPLACE STAGE ST")
    return "@ST"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.csv"
    path.write_text("1,x\n2,y\n")
    return path


def run(session: Session, sql: str, params: list[Any] | None = None) -> list[Row]:
    return session.sql(sql, params).collect()


def names(session: Session, location: str) -> list[str]:
    return [r["name"] for r in run(session, f"LIST {location}")]


def test_a_file_is_compressed_put_listed_and_fetched(session: Session, stage: str, file: Path, tmp_path: Path) -> None:
    done = session.file.put(str(file), f"{stage}/dir")[0]
    assert (done.target, done.status, done.target_compression) == ("a.csv.gz", "UPLOADED", "GZIP")
    assert names(session, stage) == ["st/dir/a.csv.gz"]
    fetched = session.file.get(f"{stage}/dir/a.csv.gz", str(tmp_path / "out"))[0]
    assert (fetched.file, fetched.status) == ("a.csv.gz", "DOWNLOADED")
    assert gzip.decompress((tmp_path / "out" / "a.csv.gz").read_bytes()) == file.read_bytes()


def test_many_files_go_in_one_statement(session: Session, stage: str, tmp_path: Path) -> None:
    for i in range(5):
        (tmp_path / f"part {i}.csv").write_text(f"{i}\n")
    run(session, f"PUT 'file://{tmp_path}/part *.csv' {stage}/many AUTO_COMPRESS = FALSE")
    assert names(session, stage) == [f"st/many/part {i}.csv" for i in range(5)]
    run(session, f"GET {stage}/many 'file://{tmp_path}/' PATTERN = '.*part [12].*'")


def test_a_stream_is_put_and_fetched(session: Session, stage: str) -> None:
    session.file.put_stream(io.BytesIO(b"hello"), f"{stage}/s/x.txt")
    assert session.file.get_stream(f"{stage}/s/x.txt.gz", decompress=True).read() == b"hello"
    session.file.put_stream(io.BytesIO(b"plain"), f"{stage}/s/y.txt", auto_compress=False)
    assert session.file.get_stream(f"{stage}/s/y.txt").read() == b"plain"


def test_without_overwrite_a_file_stays(session: Session, stage: str, file: Path) -> None:
    session.file.put(str(file), stage, auto_compress=False)
    file.write_text("changed\n")
    session.file.put(str(file), stage, auto_compress=False, overwrite=False)
    assert session.file.get_stream(f"{stage}/a.csv").read() == b"1,x\n2,y\n"
    session.file.put(str(file), stage, auto_compress=False, overwrite=True)
    assert session.file.get_stream(f"{stage}/a.csv").read() == b"changed\n"


def test_the_target_may_be_bound(session: Session, stage: str, file: Path) -> None:
    run(session, f"PUT 'file://{file}' ?", [f"{stage}/bound"])
    assert names(session, stage) == ["st/bound/a.csv.gz"]


def test_quoted_names_and_all_kinds_of_stages(session: Session, file: Path) -> None:
    database = str(session.get_current_database()).strip('"')
    run(session, 'CREATE OR REPLACE STAGE "my Stage"')
    session.file.put(str(file), f"""'@"{database}"."PUBLIC"."my Stage"/a b'""", auto_compress=False)
    assert names(session, f"""'@{database}.PUBLIC."my Stage"'""") == ["my stage/a b/a.csv"]
    run(session, "CREATE OR REPLACE TABLE T (I INT, S STRING)")
    session.file.put(str(file), "@%T", auto_compress=False)
    assert names(session, "@%T") == ["a.csv"]
    session.file.put(str(file), "@~/mine", auto_compress=False)
    assert names(session, "@~/mine") == ["mine/a.csv"]
    run(session, "REMOVE @~/mine")


def test_files_are_removed_and_copied(session: Session, stage: str, file: Path) -> None:
    session.file.put(str(file), f"{stage}/a", auto_compress=False)
    assert session.file.copy_files(f"{stage}/a", f"{stage}/b") == ["b/a.csv"]
    chosen = session.sql(f"COPY FILES INTO {stage}/c/ FROM (SELECT '{stage}/b/a.csv', 'n.csv')").collect()
    assert [r.file.rpartition("/PUBLIC.")[2].split(".")[-2:] for r in chosen] == [["ST/c/n", "csv"]]
    kept = session.sql(f"COPY FILES INTO {stage}/c FROM (SELECT '{stage}/b/a.csv')").collect()
    assert kept[0].file.endswith("ST/c/b/a.csv")
    with pytest.raises(SnowparkSQLException, match="exceeds maximum allowable number of columns"):
        run(session, f"COPY FILES INTO {stage}/c FROM (SELECT '{stage}/b/a.csv', 'n', 1)")
    run(session, f"REMOVE {stage}/c")
    assert [r["name"] for r in run(session, f"REMOVE {stage}/a")] == ["st/a/a.csv"]
    assert names(session, stage) == ["st/b/a.csv"]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("LIST @ST/../../x", "leads out of the stage"),
        ("PUT file://{file} @ST/../x", "leads out of the stage"),
        ("LIST @NO_SUCH", "Stage '.*NO_SUCH' does not exist or not authorized"),
        ("CREATE STAGE E URL = 's3://bucket/'", "external stages"),
        ("LIST @ST PATTERN = '('", "Invalid regular expression"),
        ("PUT file://{file} @ST SOURCE_COMPRESSION = RAR", r"invalid value \[RAR\]"),
        ("PUT {file} @ST", "file://"),
        ("GET @ST/missing file:///tmp/", "the file does not exist"),
    ],
)
def test_faults_are_named(session: Session, stage: str, file: Path, sql: str, message: str) -> None:
    with pytest.raises((SnowparkSQLException, OperationalError), match=message):
        run(session, sql.format(file=file))


def test_a_temporary_stage_goes_with_its_session(
    local_snowflake: LocalSnowflake, snowflake_connection: dict[str, Any], file: Path
) -> None:
    options = snowflake_connection
    with snowflake.connector.connect(**options) as connection:
        cursor = connection.cursor()
        cursor.execute("CREATE OR REPLACE DATABASE T_STAGES_TEMP")
        cursor.execute("CREATE TEMPORARY STAGE GONE")
        cursor.execute(f"PUT file://{file} @GONE")
        held = {p.name for p in (local_snowflake.data_dir / "stages").iterdir()}
    with snowflake.connector.connect(**options, database="T_STAGES_TEMP") as connection:
        with pytest.raises(snowflake.connector.errors.ProgrammingError, match="does not exist"):
            connection.cursor().execute("LIST @GONE")
        assert {p.name for p in (local_snowflake.data_dir / "stages").iterdir()} < held


def test_a_url_serves_its_grant_only(local_snowflake: LocalSnowflake) -> None:
    import requests

    state = json.loads((local_snowflake.data_dir / "server.json").read_text())
    base = f"http://127.0.0.1:{state['http_port']}/stage-files/guess"
    assert requests.get(f"{base}/x", timeout=10).status_code == 400
    assert requests.put(f"{base}/..%2Fx", data=b"x", timeout=10).status_code == 400


def test_stages_are_shown_altered_and_dropped(session: Session) -> None:
    created = run(session, "CREATE OR REPLACE STAGE S1 DIRECTORY = (ENABLE = TRUE) COMMENT = 'c'")[0]["status"]
    assert created == "Stage area S1 successfully created."
    assert run(session, "CREATE STAGE IF NOT EXISTS S1")[0]["status"] == "S1 already exists, statement succeeded."
    with pytest.raises(SnowparkSQLException, match="already exists"):
        run(session, "CREATE STAGE S1")
    shown = run(session, "SHOW STAGES LIKE 'S1'")[0]
    assert (shown["comment"], shown["type"], shown["directory_enabled"]) == ("c", "INTERNAL", "Y")
    run(session, "ALTER STAGE S1 SET COMMENT = 'd'")
    run(session, "ALTER STAGE S1 RENAME TO S2")
    assert run(session, "SHOW STAGES LIKE 'S2'")[0]["comment"] == "d"
    run(session, "DROP STAGE S2")
    assert run(session, "DROP STAGE IF EXISTS S2")
    assert not run(session, "SHOW STAGES LIKE 'S2'")


@pytest.mark.slow
def test_files_outlive_a_kill(own_snowflake: LocalSnowflake, file: Path) -> None:
    with snowflake.connector.connect(**own_snowflake.connection()) as connection:
        cursor = connection.cursor()
        cursor.execute("CREATE DATABASE K")
        cursor.execute("CREATE STAGE KEPT")
        cursor.execute("CREATE TEMPORARY STAGE LOST")
        cursor.execute(f"PUT file://{file} @KEPT AUTO_COMPRESS = FALSE")
        cursor.execute(f"PUT file://{file} @LOST AUTO_COMPRESS = FALSE")
        own_snowflake.stop(signal.SIGKILL)
        connection.close(retry=False)
    own_snowflake.start()
    with snowflake.connector.connect(**own_snowflake.connection(), database="K") as connection:
        cursor = connection.cursor()
        cursor.execute("LIST @KEPT")
        found = cursor.fetchall()
    assert [(r[0], r[1]) for r in found] == [("kept/a.csv", 8)]
    assert len(list((own_snowflake.data_dir / "stages").iterdir())) == 1


def test_file_formats(session: Session) -> None:
    done = run(
        session, "CREATE OR REPLACE FILE FORMAT F TYPE = CSV FIELD_DELIMITER = '|' SKIP_HEADER = 1 NULL_IF = ('', 'x')"
    )
    assert done[0]["status"] == "File format F successfully created."
    described = {r["property"]: r["property_value"] for r in run(session, "DESCRIBE FILE FORMAT F")}
    assert (described["FIELD_DELIMITER"], described["SKIP_HEADER"], described["NULL_IF"]) == ("|", "1", "[, x]")
    run(session, "CREATE OR REPLACE FILE FORMAT FJ TYPE = JSON")
    nulls = next(r for r in run(session, "DESCRIBE FILE FORMAT FJ") if r["property"] == "NULL_IF")
    assert (nulls["property_value"], nulls["property_default"]) == ("[]", "[\\\\N]")
    run(session, "ALTER FILE FORMAT F SET FIELD_DELIMITER = ';'")
    shown = run(session, "SHOW FILE FORMATS LIKE 'F'")[0]
    assert (shown["type"], json.loads(shown["format_options"])["FIELD_DELIMITER"]) == ("CSV", ";")
    run(session, "DROP FILE FORMAT F")
    with pytest.raises(SnowparkSQLException, match=r"File format '.*F' does not exist"):
        run(session, "DESCRIBE FILE FORMAT F")
    with pytest.raises(SnowparkSQLException, match="invalid parameter 'NO_OPTION'"):
        run(session, "CREATE FILE FORMAT B TYPE = CSV NO_OPTION = 1")


# a client reads * ? and [ in a path as a pattern
STRANGE = ["a b", "a%20b", "a%2520b", 'a"b', "a;b", "a&b=c", "a#b", "a+b", "é", "e\u0301", "A", "a", "a" * 240]


def test_strange_names_are_different_files(session: Session, stage: str, tmp_path: Path) -> None:
    for i, name in enumerate(STRANGE):
        path = tmp_path / "source" / str(i) / name
        path.parent.mkdir(parents=True)
        path.write_text(str(i))
        run(session, f"PUT 'file://{path}' {stage} AUTO_COMPRESS = FALSE")
    assert names(session, stage) == sorted(f"st/{name}" for name in STRANGE)
    (tmp_path / "target").mkdir()
    run(session, f"GET {stage} file://{tmp_path}/target")
    assert [(tmp_path / "target" / name).read_text() for name in STRANGE] == [str(i) for i in range(len(STRANGE))]
