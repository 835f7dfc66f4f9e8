"""Scores a population on demand: rows of the source by a condition, into a file or a table of their own."""

import re
import uuid
from dataclasses import dataclass
from pathlib import Path

from snowloop.errors import ScoringError
from snowloop.lifecycle.champion.fit import version_to_score
from snowloop.lifecycle.features.formula import TOKEN
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.scoring.desired import statement, unscorable_statements
from snowloop.lifecycle.scoring.reprocess.shared import source_values, statement_values
from snowloop.project.sources import full_name, name_parts
from snowloop.sql import identifier, render
from snowloop.workspace import Workspace
from snowloop_procedures.unscorable import forget, score

QUERIES = "debugging/queries.sql"
STATEMENT_WORDS = frozenset({
    "SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE", "CALL", "EXECUTE", "CREATE", "ALTER", "DROP", "TRUNCATE",
    "GRANT", "REVOKE", "COPY", "USE", "SET", "BEGIN", "DECLARE", "UNION", "INTERSECT", "EXCEPT", "MINUS", "WHERE",
    "QUALIFY", "HAVING", "LIMIT", "TABLE",
})  # fmt: skip
"""Words that no condition over the columns of one row has; as the name of a column they are quoted."""
BRACKETS = {")": "(", "]": "[", "}": "{"}
WRITERS = {".csv": "to_csv", ".parquet": "to_parquet"}


@dataclass(frozen=True)
class Population(Result):
    """What ``score_population`` scored.

    Args:
        model_version: The version that scored.
        where: The condition.
        rows: Rows of the source that fulfil it.
        broken: Those that break the contract, or repeat the key of another one: they have no score.
        unscorable: Those at which the model failed: they have no score.
        scored: Those with a score.
        place: The file or the table with the scores.
    """

    model_version: str
    where: str
    rows: int
    broken: int
    unscorable: int
    scored: int
    place: str

    def text(self) -> str:
        """What was scored, for people."""
        without = [f"{count:,} {why}" for count, why in ((self.broken, "break the contract"), (self.unscorable, "fail"))
                   if count]  # fmt: skip
        rest = f" ({' and '.join(without)})" if without else ""
        return f"{self.scored:,} of {self.rows:,} rows scored with {self.model_version}{rest}: {self.place}"


def check_condition(text: str) -> str:
    """Insist that a text is one expression, so that it can stand in brackets after WHERE.

    Args:
        text: The text.

    Returns:
        The text, without blanks around it.

    Raises:
        ScoringError: if it is empty, or has a statement, a query, a comment, a placeholder, or something not closed.
    """
    open_brackets: list[str] = []
    for match in TOKEN.finditer(text):
        problem = _problem(match, open_brackets)
        if problem:
            raise _no_condition(text, problem.replace("@", f"at character {match.start() + 1}"))
    if open_brackets:
        raise _no_condition(text, f"'{open_brackets[-1]}' that is not closed")
    if not text.strip():
        raise _no_condition(text, "nothing")
    return text.strip()


def _problem(match: re.Match[str], open_brackets: list[str]) -> str | None:
    """What a token is that no condition has, with @ for its place; brackets are opened and closed."""
    token, word = match[0], match["word"]
    if match["insignificant"] is not None:
        return "a comment @" if token.strip() else None
    if token in ("'", '"'):
        return "a quote @ that is not closed"
    if token in BRACKETS.values():
        open_brackets.append(token)
    elif token in BRACKETS and (not open_brackets or open_brackets.pop() != BRACKETS[token]):
        return f"'{token}' @ without its opening bracket"
    refused = word and (word.upper() in STATEMENT_WORDS or word.upper().startswith("SYSTEM$"))
    return f"'{token}' @" if token in (";", "?") else f"{token} @" if refused else None


def _no_condition(text: str, has: str) -> ScoringError:
    return ScoringError(
        f'the condition {text!r} has {has}: give one expression over the columns of the source, such as "AGE > 30 AND '
        "JOB = 'admin'\", or TRUE for all rows; a column that is called like a word of SQL is put in double quotes"
    )


def check_place(to: Path | None, table: str | None) -> None:
    """Insist on one place for the scores that can be written.

    Args:
        to: The file.
        table: The table.

    Raises:
        ScoringError: if there is none, or both, the file is there or of an unknown kind, or the name is not a full one.
    """
    if (to is None) == (table is None):
        raise ScoringError("say where the scores belong: a file or a table, one of the two")
    if to is not None and to.suffix not in WRITERS:
        raise ScoringError(f"{to}: name a file that ends in one of {', '.join(WRITERS)}")
    if to is not None and to.exists():
        raise ScoringError(f"{to} is there already, and nothing is overwritten: name another file")
    if to is not None and not to.absolute().parent.is_dir():
        raise ScoringError(f"{to.absolute().parent}: no such folder: create it, or name another one")
    if table is not None:
        try:
            full_name(table)
        except ValueError as error:
            raise ScoringError(str(error)) from error


def score_population(
    workspace: Workspace, where: str, *, to: Path | None = None, table: str | None = None, version: str | None = None
) -> Population:
    """Score the rows of the source that fulfil a condition; SERVING.SCORED, the loop and the stream are left alone.

    The features are those of the features.sql that the version was trained with. Of several valid rows with one key the
    first in the order of the columns is scored, as in training.

    Args:
        workspace: Where.
        where: One SQL expression over the columns of the source.
        to: A new file for the scores, .csv or .parquet; the scores are in memory before they are written.
        table: Or a new table for them, as DATABASE.SCHEMA.NAME; {target} stands for the target's name in capitals.
        version: Name or alias of the version; None: the champion. It may be one that nobody has judged yet.

    Returns:
        What was scored, and where it is.

    Raises:
        ScoringError: if the condition, the place or the version cannot be used, or features.sql does not give one row
            for each row.
    """
    from snowflake.snowpark.exceptions import SnowparkSQLException

    condition = check_condition(where)
    check_place(to, table)
    scorer = version_to_score(workspace, version)
    source = {**source_values(workspace), "where": condition}
    try:
        counts = workspace.run(f"{QUERIES}#count_population", **source)[0]
    except SnowparkSQLException as error:
        message = f"Snowflake cannot read the condition {where!r}: {' '.join(str(error.message).split())}; correct it"
        raise ScoringError(message) from error
    run_id = uuid.uuid4().hex
    own = f"POPULATION_{run_id[:16]}".upper()
    values = statement_values(
        workspace, scorer, checked_rows=f"{QUERIES}#population", scores=own, where=condition, batched=True
    )
    workspace.run(f"{QUERIES}#create_population", own=own)
    try:
        bound = {"run_id": run_id, "model_version": scorer.name, "training_set": scorer.training_set}
        unscorable = unscorable_statements(values)
        with workspace.transaction():
            done = score(workspace.session, statement("score_rows", values), unscorable, bound, quarantine=False)
            forget(workspace.session, unscorable, bound, done)
        _check_once(workspace, own, int(counts["VALID_KEYS"]) - done.unscorable, scorer.name)
        place = _write(workspace, own, to, table)
    finally:
        workspace.run(f"{QUERIES}#drop_population", own=own)
    rows, valid = int(counts["N"]), int(counts["VALID_KEYS"])
    return Population(scorer.name, condition, rows, rows - valid, done.unscorable, done.scored, place)


def _check_once(workspace: Workspace, own: str, expected: int, version: str) -> None:
    found = workspace.run(f"{QUERIES}#scored_population", own=own, key=workspace.project.row_key)[0]
    if (found["N"], found["KEYS"]) != (expected, expected):
        message = (
            f"features.sql of {version} gave {found['N']} scores of {found['KEYS']} keys for {expected} rows: it must "
            "give exactly one row for each row of its source; nothing was written"
        )
        raise ScoringError(message)


def _write(workspace: Workspace, own: str, to: Path | None, table: str | None) -> str:
    """Write the scores where they belong; the name of the place."""
    from snowflake.snowpark.exceptions import SnowparkSQLException

    if table is not None:
        name = identifier(*name_parts(table.replace("{target}", workspace.target.upper())))
        try:
            workspace.run(f"{QUERIES}#keep_population", own=own, table=name)
        except SnowparkSQLException as error:
            reason = " ".join(str(error.message).split())
            raise ScoringError(f"the table {table} cannot be created: {reason}; name another one") from error
        return table
    read = render(f"{QUERIES}#read_population", database=workspace.database, own=own, key=workspace.project.row_key)
    frame, file = workspace.session.sql(read).to_pandas(), Path(str(to))
    try:
        getattr(frame, WRITERS[file.suffix])(file, index=False)
    except OSError as error:
        raise ScoringError(f"{to}: {error.strerror}: name a file that can be written") from error
    return str(to)
