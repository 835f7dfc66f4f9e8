"""What the scoring loop needs for a declared challenger: its statements, its tables, and what it did last."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from snowloop.lifecycle.champion.standing import Role
from snowloop.project import Project
from snowloop.sql import Parameter, prepare, render, run
from snowloop_procedures.scoring_request import ChallengerStatements, Statement

if TYPE_CHECKING:
    from snowflake.snowpark import Session

SHADOW, CHALLENGES = "SERVING.SHADOW", "OPS.CHALLENGES"
SCORE = "scoring/score_new_rows.sql#score_rows"


def challenger_statements(project: Project, target: str, values: Mapping[str, Any]) -> ChallengerStatements | None:
    """The statements by which a challenger scores in the champion's transaction.

    Args:
        values: What the champion's own statement is rendered with.

    Returns:
        The statements; None if no challenger is declared.

    Raises:
        jinja2.TemplateError: if a statement uses a value that is not given.
    """
    declared = project.serving.challenger
    if declared is None:
        return None
    records = {
        name: _statement(f"scoring/challenger.sql#{name}", values, mode=declared.mode)
        for name in ("begin", "unfinished", "record", "forget")
    }
    if declared.mode == "shadow":  # SERVING.SCORED has the features, by run and key
        return ChallengerStatements(
            "shadow", _statement(SCORE, values, scores="SHADOW", keep_features=False), **records
        )
    unapproved = _statement(
        "scoring/challenger.sql#unapproved", values, version=Parameter("version"), share=declared.share
    )
    return ChallengerStatements(
        "canary",
        _statement(SCORE, values, share=declared.share, side="challenger"),
        score_rest=_statement(SCORE, values, share=declared.share, side="champion"),
        refusal=refusal_statement(project, values, "challenger"),
        unapproved=unapproved if project.asks_about_canary(target) else None,
        **records,
    )


def refusal_statement(project: Project, values: Mapping[str, Any], role: Role) -> Statement:
    """Reads in a run why the gate does not let a version serve; ``expired_override`` is as declared.

    Args:
        values: What the champion's own statement is rendered with.
        role: Whether the version is champion or challenger.

    Returns:
        The statement; its parameter is ``version``.
    """
    expire = project.champion.expired_override == "refuse"
    return _statement("gate/refusal.sql", values, version=Parameter("version"), role=role, expire=expire)


def _statement(template: str, values: Mapping[str, Any], **own: Any) -> Statement:
    return Statement(*prepare(template, **{**values, **own}))


def challenger_tables(project: Project, target: str) -> dict[str, str]:
    """What creates the tables that a declared challenger writes to.

    Returns:
        Statements by SCHEMA.NAME.
    """
    declared, database = project.serving.challenger, project.database(target)
    if declared is None:
        return {}
    tables = {SHADOW: "create_shadow"} if declared.mode == "shadow" else {}
    return {
        name: render(f"scoring/challenger.sql#{template}", database=database)
        for name, template in (tables | {CHALLENGES: "create_challenges"}).items()
    }


def last_challenge(session: "Session", database: str, version: str) -> dict[str, Any] | None:
    """What a challenger did in its last run; OPS.CHALLENGES must exist.

    Args:
        database: The project's database.
        version: Name of the version.

    Returns:
        MODE, ROWS_SCORED and ERROR, or None if it was in no run yet.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if the table does not exist.
    """
    rows = run(session, "scoring/queries.sql#last_challenge", database=database, version=version)
    return rows[0].as_dict() if rows else None
