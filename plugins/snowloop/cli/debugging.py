"""Commands of ``snowloop`` to look into scores: explain a row, pull a version, score a population."""

from pathlib import Path
from typing import Annotated, Any

import typer

from snowloop.cli.options import FAILED, AsJson, fail, show, workspace_command
from snowloop.errors import ScoringError
from snowloop.workspace import Workspace

commands = typer.Typer()


def _key(parts: list[str]) -> dict[str, str]:
    """The key columns and their values, of texts such as ID=5."""
    pairs = [part.partition("=") for part in parts]
    for part, (_, equals, _) in zip(parts, pairs, strict=True):
        if not equals:
            fail(f"--key {part}: write it as COLUMN=VALUE, such as --key ID=5", FAILED)
    return {name.strip(): value for name, _, value in pairs}


def _has_key(*, key: list[str], **_options: Any) -> None:
    _key(key)


@workspace_command(commands, check=_has_key)
def explain(
    workspace: Workspace,
    key: Annotated[
        list[str], typer.Option("--key", "-k", metavar="COLUMN=VALUE", help="Of several key columns each once.")
    ],
    as_json: AsJson = False,
) -> None:
    """Explain one row: the features with which it was served, its scores and versions, or why it has none.

    Reasons are what the version's function explain gives, where it was logged with one. Nothing is changed.

    Example: snowloop explain --project credit_approval --target prod --key ID=5008804
    """
    from snowloop.lifecycle.debugging.explain import explain_row

    found = explain_row(workspace, _key(key))
    show(found, found.text(), as_json=as_json)


@workspace_command(commands)
def pull(
    workspace: Workspace,
    version: Annotated[str, typer.Argument(help="Name of a version, or its alias, such as CHAMPION.")],
    to: Annotated[Path, typer.Option("--to", help="A new or empty folder.")],
    as_json: AsJson = False,
) -> None:
    """Bring a version here: its files, the features.sql that it was trained with, and its estimator for a notebook.

    Example: snowloop pull --project credit_approval --target prod CHAMPION --to champion
    """
    from snowloop.lifecycle.debugging import pull as pulls

    done = pulls.pull(workspace, version, to)
    show(done, done.text(), as_json=as_json)


def _can_be_scored(*, where: str, to: Path | None, table: str | None, **_options: Any) -> None:
    from snowloop.lifecycle.debugging.population import check_condition, check_place

    try:
        check_condition(where)
        check_place(to, table)
    except ScoringError as error:
        fail(str(error), FAILED)


@workspace_command(commands, check=_can_be_scored)
def score(
    workspace: Workspace,
    where: Annotated[str, typer.Option(help="One SQL expression over the columns of the source; TRUE: all rows.")],
    to: Annotated[Path | None, typer.Option("--to", help="A new file for the scores: .csv or .parquet.")] = None,
    table: Annotated[str | None, typer.Option(help="Or a new table for them: DATABASE.SCHEMA.NAME.")] = None,
    version: Annotated[
        str | None, typer.Option("--version", "-v", help="Name of a version, or its alias. Default: the champion.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Score the rows of the source that fulfil a condition, into a file or table of their own.

    SERVING.SCORED, the loop and its stream are left alone: see backfill for scores that are served.

    Example: snowloop score -p credit_approval -t prod --where "CNT_CHILDREN > 2" --to families.csv
    """
    from snowloop.lifecycle.debugging.population import score_population

    done = score_population(workspace, where, to=to, table=table, version=version)
    show(done, done.text(), as_json=as_json)
