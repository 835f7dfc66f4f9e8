"""The ``snow`` command of snowflake-cli, unmodified: https://docs.snowflake.com/en/developer-guide/snowflake-cli/index."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.clients.environments import environment, run_client

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_it_runs_scripts_lists_objects_and_copies_files(tmp_path: Path, snowflake_connection: dict[str, Any]) -> None:
    command = environment("snowflake-cli") / "snow"
    config = tmp_path / "config.toml"
    known = {k: v for k, v in snowflake_connection.items() if k != "session_parameters"}
    lines = [f"{key} = {json.dumps(value)}" for key, value in known.items()]
    config.write_text("\n".join(['default_connection_name = "local"', "[connections.local]", *lines]) + "\n")
    config.chmod(0o600)
    (tmp_path / "rows.csv").write_text("1,x\n2,y\n")
    (tmp_path / "down").mkdir()
    script = tmp_path / "script.sql"
    script.write_text(
        "CREATE OR REPLACE DATABASE T_SNOW; -- the first\n"
        "CREATE TABLE T_SNOW.PUBLIC.T (A INT, S VARCHAR); /* the second */\n"
        "INSERT INTO T_SNOW.PUBLIC.T VALUES (1, 'a;b'), (2, 'c');\n"
        "CREATE STAGE T_SNOW.PUBLIC.ST; SELECT COUNT(*) AS N, 1.50 AS P FROM T_SNOW.PUBLIC.T; -- the end\n"
    )

    def snow(*arguments: str) -> Any:
        given = [str(command), "--config-file", str(config), *arguments, "--format", "json"]
        ran = run_client(given, tmp_path, SNOWFLAKE_HOME=str(tmp_path))
        assert ran.returncode == 0, f"{arguments}: {ran.stdout}{ran.stderr}"[-3000:]
        return json.loads(ran.stdout)

    assert snow("sql", "-f", str(script))[-1] == [{"N": 2, "P": "1.50"}]
    assert [table["name"] for table in snow("object", "list", "table", "--in", "database", "T_SNOW")] == ["T"]
    place = ("--database", "T_SNOW", "--schema", "PUBLIC")
    assert snow("stage", "copy", str(tmp_path / "rows.csv"), "@st", *place)[0]["status"] == "UPLOADED"
    assert [file["name"] for file in snow("stage", "list-files", "@st", *place)] == ["st/rows.csv"]
    snow("stage", "copy", "@st", str(tmp_path / "down"), *place)
    assert (tmp_path / "down" / "rows.csv").read_text() == "1,x\n2,y\n"
