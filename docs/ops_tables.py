"""``python -m docs.ops_tables``: writes docs/ops-tables.md from the tables of a new environment and their meanings."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from snowflake.snowpark import Session

from local_snowflake.testing import LocalSnowflake
from snowloop.lifecycle.data.environment import create_environment
from snowloop.project import load_project
from snowloop.sql import identifier
from snowloop.workspace import Workspace

HERE = Path(__file__).resolve().parent
PAGE, MEANINGS = HERE / "ops-tables.md", HERE / "ops_tables.yaml"
HEAD = """# The tables of OPS

What Snowloop records of an environment, for dashboards and queries: tables and views of the schema `OPS` of its
database. They are an interface: within a major version columns are added, and none is renamed, removed or given another
meaning. Moments are in UTC. Write nothing into them. This page is made by `python -m docs.ops_tables` from an
environment and from `docs/ops_tables.yaml`.
"""


def prepare(workspace: Workspace) -> None:
    """Create an environment with all tables, also that which the deployment of a challenger creates."""
    create_environment(workspace)
    workspace.run("scoring/challenger.sql#create_challenges")


def page(workspace: Workspace) -> str:
    """Describe the tables and views of an environment's schema OPS.

    Args:
        workspace: The environment, as ``prepare`` made it.

    Returns:
        The page, in Markdown.

    Raises:
        ValueError: if something has no meaning, or a meaning is of nothing, with all their names.
    """
    meanings: dict[str, Any] = yaml.safe_load(MEANINGS.read_text(encoding="utf-8"))
    described, unclear = {}, []
    for name in _names(workspace) - meanings["internal"].keys():
        described[name] = _columns(workspace, name)
        own = meanings["tables"].get(name, {"columns": {}})["columns"]
        unclear += [
            f"{name}.{each} has no meaning" for each in described[name] if _meaning(meanings, name, each) is None
        ]
        unclear += [f"{name}.{each} does not exist" for each in own if each not in described[name]]
    named = meanings["tables"].keys() | meanings["internal"].keys()
    unclear += [f"{name} does not exist" for name in sorted(named - _names(workspace))]
    unclear += [f"{name} has no meaning" for name in sorted(described.keys() - meanings["tables"].keys())]
    if unclear:
        raise ValueError(f"{MEANINGS.name} and the environment differ: {'; '.join(unclear)}")
    parts = [HEAD, *(_section(meanings, name, described[name]) for name in meanings["tables"])]
    internal = [f"- `{name}`: {about}." for name, about in meanings["internal"].items()]
    return "\n".join([*parts, "## Internal\n\nOf no use to readers; they may change at any time.\n", *internal]) + "\n"


def _names(workspace: Workspace) -> set[str]:
    where = f"SCHEMA {identifier(workspace.database, 'OPS')}"
    kinds = [workspace.session.sql(f"SHOW {kind} IN {where}").collect() for kind in ("TABLES", "VIEWS")]
    return {str(row["name"]) for rows in kinds for row in rows}


def _columns(workspace: Workspace, name: str) -> dict[str, str]:
    rows = workspace.session.sql(f"DESCRIBE TABLE {identifier(workspace.database, 'OPS', name)}").collect()
    return {str(row["name"]): re.sub(r"\((?:16777216|134217728|9)\)$", "", str(row["type"])) for row in rows}


def _meaning(meanings: dict[str, Any], table: str, column: str) -> str | None:
    own: dict[str, str] = meanings["tables"].get(table, {"columns": {}})["columns"]
    return own.get(column) or meanings["common"].get(column)


def _section(meanings: dict[str, Any], name: str, columns: dict[str, str]) -> str:
    return "\n".join(_lines(meanings, name, columns))


def _lines(meanings: dict[str, Any], name: str, columns: dict[str, str]) -> Iterator[str]:
    yield f"## {name}\n\n{meanings['tables'][name]['about']}\n"
    yield "| column | type | meaning |\n| --- | --- | --- |"
    for column, kind in columns.items():
        yield f"| `{column}` | {kind} | {_meaning(meanings, name, column)} |"
    yield ""


def main() -> None:
    """Write the page, from an environment on a local Snowflake of its own."""
    with tempfile.TemporaryDirectory(prefix="ops-tables-") as folder:
        server = LocalSnowflake(Path(folder) / "data").start()
        try:
            with Session.builder.configs(server.connection()).create() as session:
                workspace = Workspace(session, load_project("credit_approval"), "documented")
                prepare(workspace)
                PAGE.write_text(page(workspace), encoding="utf-8")
        finally:
            server.stop()


if __name__ == "__main__":
    main()
