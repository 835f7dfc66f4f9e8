"""What a deployment hands to the scoring procedure: its statements and what it checks, as JSON in a staged file."""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from snowloop_procedures.requests import Class, Feature, decode

if TYPE_CHECKING:
    from snowflake.snowpark import Row, Session

SCORING_REQUEST = "scoring_request.json"
"""Name of the staged file that holds a ``ScoringRequest``."""
VERSION = '"<version>"'
"""Stands in a statement where the name of the scoring version belongs: an identifier, which cannot be bound."""


@dataclass(frozen=True)
class Statement:
    """A statement that a run executes with values of its own.

    Args:
        text: The SQL, with a ``?`` for each value and ``VERSION`` for the version that a model is called by.
        parameters: What to bind, by name, in the order of the text.
    """

    text: str
    parameters: tuple[str, ...] = ()

    def execute(self, session: "Session", **values: str | int | None) -> "list[Row]":
        """Bind the values that the statement takes, of those that are given, and execute it.

        Args:
            values: Values by name; ``model_version`` is the version that a model is called by.

        Returns:
            The rows of the answer.

        Raises:
            KeyError: if a value of the statement is missing.
        """
        text = self.text
        if VERSION in text:
            text = text.replace(VERSION, quoted(str(values["model_version"])))
        return session.sql(text, params=[values[name] for name in self.parameters] or None).collect()

    def count(self, session: "Session", **values: str | int | None) -> int:
        """The number that the statement answers, such as of rows that it wrote. Arguments as ``execute``."""
        return int(self.execute(session, **values)[0][0])


def quoted(name: str) -> str:
    """A name as a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True)
class LockStatements:
    """How the scoring lock is read and acquired; see lock.py.

    Args:
        owner: Reads the present owner.
        acquire: Makes ``owner`` the owner if the present one is still ``previous_owner``; answers the number of rows.
    """

    owner: Statement
    acquire: Statement


@dataclass(frozen=True)
class DeployedFormula:
    """The formula by which the deployed statements compute the features.

    Args:
        digest: Its digest; the versions that score have the same one in their comment.
        text: Its text, for a message about a version of another one.
        of_training_set: Reads the text that another version was trained with.
    """

    digest: str
    text: str
    of_training_set: Statement


@dataclass(frozen=True)
class BatchLimit:
    """When a run stops because too many of its rows break the contract.

    Args:
        share: The greatest share of rows that may break it.
        rows: Batches of fewer rows are never stopped.
        reasons: Reads the run's most frequent reasons, and their numbers of rows.
    """

    share: float
    rows: int
    reasons: Statement


@dataclass(frozen=True)
class UnscorableStatements:
    """How rows that the model cannot score are found and quarantined; include/sql/scoring/unscorable.sql.

    Args:
        list_rows: Lists the rows that are to be scored, numbered from 1; answers how many there are.
        score_range: Scores the listed rows from ``first_row`` to ``last_row``.
        quarantine_row: Writes the listed row ``first_row`` with its ``problem``.
        forget_rows: Deletes the list.
        known_row: Answers how many scores the model gives to a row that was scored before; 0 if there is none.
    """

    list_rows: Statement
    score_range: Statement
    quarantine_row: Statement
    forget_rows: Statement
    known_row: Statement


@dataclass(frozen=True)
class ChallengerStatements:
    """How a challenger scores in the champion's transaction.

    Args:
        mode: ``shadow``: it scores all rows, and is served to nobody; ``canary``: it serves a share of the keys.
        score: Scores the challenger's rows.
        score_rest: Scores the champion's rows next to a canary.
        refusal: Reads why the gate does not let the challenger serve, or NULL; of a canary alone.
        unapproved: Reads that nobody has approved its share, or NULL; of a canary whose share needs an approval.
        begin: Records that a run begins with the challenger.
        unfinished: Reads a run that began with this challenger and never finished.
        record: Records what the challenger did.
        forget: Deletes what ``begin`` recorded.
    """

    mode: Literal["shadow", "canary"]
    score: Statement
    begin: Statement
    unfinished: Statement
    record: Statement
    forget: Statement
    score_rest: Statement | None = None
    refusal: Statement | None = None
    unapproved: Statement | None = None


@dataclass(frozen=True)
class ScoringRequest:
    """What a deployment hands to the scoring procedure; include/sql/scoring/score_new_rows.sql has the statements.

    Args:
        model: The quoted name of the model.
        versions: Lists the versions of the model.
        recorded_champion: Reads from the ledger which version became champion last, and which one was before.
        refusal: Reads why the gate does not let the champion serve, or NULL.
        refuse_moved_by_hand: Whether nothing is scored if the ledger does not explain who has the alias.
        formula: The formula of the features: that of the champion for which scoring was deployed.
        features: The features that it gives, in order.
        classes: The classes of a multiclass label, in order; none of another task.
        lock: The scoring lock.
        record_corrections: Records corrected and deleted rows; None where corrections are not declared.
        count_rows: Counts the new rows.
        waiting_rows: Reads for which joined sources new rows have to wait; None where none is to be waited for.
        quarantine_rows: Writes the rows that break the contract.
        limit: When too many rows break the contract; None: never.
        score_rows: Writes the scores.
        unscorable: What finds the rows that the model cannot score.
        keys_not_once: Reads keys of new rows that were not scored or quarantined once for each row.
        count_bins: Writes how many rows that ``model_version`` scored are in each bin of the baseline of its
            ``training_set``.
        challenger: The challenger's statements; None if none is declared.
        record_run: Records a run that succeeded.
        record_failure: Records a run that failed.
    """

    model: str
    versions: Statement
    recorded_champion: Statement
    refusal: Statement
    formula: DeployedFormula
    features: tuple[Feature, ...]
    classes: tuple[Class, ...]
    lock: LockStatements
    count_rows: Statement
    quarantine_rows: Statement
    score_rows: Statement
    unscorable: UnscorableStatements
    keys_not_once: Statement
    count_bins: Statement
    record_run: Statement
    record_failure: Statement
    record_corrections: Statement | None = None
    waiting_rows: Statement | None = None
    limit: BatchLimit | None = None
    challenger: ChallengerStatements | None = None
    refuse_moved_by_hand: bool = False

    def to_json(self) -> str:
        """The request as JSON text."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The request that ``to_json`` wrote."""
        request: Self = decode(cls, json.loads(text))
        return request

    @classmethod
    def staged(cls) -> Self:
        """The request that is staged with the procedure that runs.

        Source: https://docs.snowflake.com/en/developer-guide/stored-procedure/python/procedure-python-writing
        """
        folder = sys._xoptions["snowflake_import_directory"]
        return cls.from_json(Path(str(folder), SCORING_REQUEST).read_text(encoding="utf-8"))
