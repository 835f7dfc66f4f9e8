"""Scores rows, and quarantines those that the model cannot score: one row must not stop the others."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from snowflake.snowpark import Session

from snowloop_procedures.bisection import Bisection, bisect, blames_a_row, words
from snowloop_procedures.scoring_request import Statement, UnscorableStatements

MOST_CALLS, MOST_CALLS_OF_A_DEAD_MODEL, KNOWN_ROWS = 200, 40, 5


@dataclass(frozen=True)
class Scored:
    """What was written.

    Args:
        scored: Rows that have a score.
        unscorable: Rows that the model cannot score.
        listed: Whether OPS.RECOVERY_ROWS lists the rows, because the model failed at some: ``forget`` deletes them.
    """

    scored: int
    unscorable: int = 0
    listed: bool = False


def forget(session: Session, statements: UnscorableStatements, values: Mapping[str, Any], done: Scored) -> None:
    """Delete the list of rows of the model's failure, after it was checked that each other row has one score.

    Args:
        session: The session that scored them, in the same transaction.
        statements: What finds the rows that the model cannot score.
        values: What the statements bind.
        done: What was scored.
    """
    if done.listed:
        statements.forget_rows.execute(session, **values)


def score(
    session: Session,
    everything: Statement,
    statements: UnscorableStatements,
    values: Mapping[str, Any],
    *,
    quarantine: bool = True,
) -> Scored:
    """Score all rows by one statement; if the model fails, without the rows that it cannot score.

    A statement that fails undoes its own changes and leaves the transaction open:
    https://docs.snowflake.com/en/sql-reference/transactions

    Args:
        session: A session in a transaction.
        everything: Scores all rows.
        statements: What finds the rows that the model cannot score.
        values: What the statements bind.
        quarantine: Whether they go to SERVING.QUARANTINE; otherwise they stay where they are.

    Returns:
        The numbers of rows.

    Raises:
        RuntimeError: if it is the model rather than some rows: it scores none, or too many statements fail.
    """
    try:
        return Scored(everything.count(session, **values))
    except Exception as error:
        if not blames_a_row(error):
            raise
        return _score_others(session, statements, error, values, quarantine=quarantine)


def _score_others(
    session: Session, statements: UnscorableStatements, error: Exception, values: Mapping[str, Any], *, quarantine: bool
) -> Scored:
    """Score the rows in halves, so that those at which the model fails remain."""
    lives = _scores_a_known_row(session, statements, values)
    count, scored = statements.list_rows.count(session, **values), 0

    def attempt(first: int, last: int) -> None:
        nonlocal scored
        scored += statements.score_range.count(session, **values, first_row=first, last_row=last)

    found = bisect(1, count, attempt, MOST_CALLS if lives else MOST_CALLS_OF_A_DEAD_MODEL)
    if not found.complete or not (lives or scored):
        raise RuntimeError(_the_model(found, count, values["model_version"], error, lives=lives)) from error
    for row, problem in found.failed.items() if quarantine else ():
        reason = f"the model cannot score it: {words(problem)}"
        statements.quarantine_row.execute(session, **values, first_row=row, problem=reason)
    return Scored(scored, len(found.failed), listed=True)


def _scores_a_known_row(session: Session, statements: UnscorableStatements, values: Mapping[str, Any]) -> bool:
    """Whether it scores one of a few known rows: one of them alone may have become such a row."""
    for place in range(1, KNOWN_ROWS + 1):
        try:
            if statements.known_row.count(session, **values, first_row=place):
                return True
        except Exception as error:
            if not blames_a_row(error):
                raise
    return False


def _the_model(found: Bisection, count: int, version: str, error: Exception, *, lives: bool) -> str:
    """Why the run fails: it is not a few rows."""
    known = "" if lives else ", nor one of those that were scored before"
    return (
        f"version {version} cannot score {len(found.failed)} or more of {count} rows{known} ({found.calls} statements; "
        f"{words(error)}): that is no single row. Nothing was written, the rows wait. Roll back, or train a version "
        "that passes the check ROBUST"
    )
