"""Scores the ML Test Score of a project in one environment, from what is recorded of what ran there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from snowloop.errors import ReportError
from snowloop.lifecycle.monitoring.ml_test_score.rubric import RUBRIC, SECTIONS, Test, test_of
from snowloop.lifecycle.results import Result
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from snowflake.snowpark import Row

QUERIES = "monitoring/ml_test_score/queries.sql"

AUTOMATIC, BY_HAND, NOTHING = 1.0, 0.5, 0.0
"""The paper's rule: half a point for a test that is done by hand and written down, one if it repeats by itself."""


@dataclass(frozen=True)
class Scored:
    """One test with its score.

    Args:
        key: For example ``data-1``.
        section: Its section.
        name: Its name.
        score: 0, 0.5 or 1.
        evidence: What is recorded; empty if there is nothing.
        missing: What would be evidence for a full point; empty if it has one.
    """

    key: str
    section: str
    name: str
    score: float
    evidence: str
    missing: str


@dataclass(frozen=True)
class ScoreCard(Result):
    """The card.

    Args:
        database: The environment's database, whose records were read.
        tests: Every test.
    """

    database: str
    tests: tuple[Scored, ...]

    @property
    def sections(self) -> dict[str, float]:
        """The sum of each section."""
        return {name: sum(each.score for each in self.tests if each.section == name) for name in SECTIONS}

    @property
    def total(self) -> float:
        """The final score: the minimum of the sections."""
        return min(self.sections.values())

    def summary(self) -> dict[str, int | float | str]:
        """The final score and the sections."""
        return {"score": self.total, **self.sections}

    def text(self) -> str:
        """The card for a terminal."""
        lines = []
        for section in SECTIONS:
            lines.append(f"{section}  {self.sections[section]:g} of 7")
            for each in self.tests:
                if each.section == section:
                    details = "; ".join(part for part in (each.evidence, each.missing) if part)
                    lines.append(f"  {each.score:<3g} {each.key:<17} {each.name}\n{'':24}{details}")
        return "\n".join([*lines, f"ML Test Score of {self.database}: {self.total:g}, the minimum of the sections"])


def score_card(workspace: Workspace) -> ScoreCard:
    """Look for evidence of each test in the records of one environment; a test without evidence scores 0.

    Nothing is changed.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if the environment does not exist, or is older than a table
            that is read: create it, which keeps what is there.
    """
    by_hand = workspace.run(f"{QUERIES}#done_by_hand")
    return ScoreCard(workspace.database, tuple(_scored(workspace, test, by_hand) for test in RUBRIC))


def _scored(workspace: Workspace, test: Test, by_hand: "Sequence[Row]") -> Scored:
    score, evidence = _recorded(workspace, test)
    records = [row for row in by_hand if row["TEST"] == test.key]
    if score < BY_HAND and records:
        last = records[-1]
        evidence = f"by hand, {last['DONE_BY']} on {last['DONE_AT']:%Y-%m-%d}: {last['RESULT']} ({last['DOCUMENT']})"
        score = BY_HAND
    return Scored(test.key, test.section, test.name, score, evidence, "" if score == AUTOMATIC else test.missing)


def _recorded(workspace: Workspace, test: Test) -> tuple[float, str]:
    """Score and evidence by what the stages have recorded."""
    if test.query is None or (test.late_table and not workspace.exists("TABLES", "OPS", test.late_table)):
        return NOTHING, ""
    row = workspace.run(f"{QUERIES}#{test.query}")[0]
    if row["RAN"]:
        return AUTOMATIC, str(row["EVIDENCE"])
    return (BY_HAND, str(row["EVIDENCE"])) if row["BY_HAND"] else (NOTHING, "")


def record_by_hand(workspace: Workspace, *, test: str, result: str, document: str) -> Test:
    """Record that a person did a test, and where that is written down: worth half a point.

    Args:
        test: Its key, such as ``data-5``.
        result: The result of the test.
        document: Where it is written down.

    Raises:
        ReportError: if there is no such test, or result or document are empty.
    """
    named = test_of(test)
    if named is None:
        raise ReportError(f"there is no test '{test}': name one of {', '.join(each.key for each in RUBRIC)}")
    if not result.strip() or not document.strip():
        message = f"{named.key} by hand needs a result and a document: got result '{result}', document '{document}'"
        raise ReportError(message)
    workspace.run(f"{QUERIES}#record_by_hand", test=named.key, result=result.strip(), document=document.strip())
    return named
