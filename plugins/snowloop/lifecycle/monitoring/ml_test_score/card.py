"""Scores the ML Test Score of a project in one environment, from what is recorded of what ran there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from snowloop.errors import ReportError
from snowloop.lifecycle.monitoring.ml_test_score.rubric import RUBRIC, SECTIONS, Test, test_of
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.versions import show
from snowloop.project import include_dir
from snowloop.sql import identifier, run
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from snowflake.snowpark import Row, Session

AUTOMATIC, BY_HAND, NOTHING = 1.0, 0.5, 0.0
"""The paper's rule: half a point for a test that is done by hand and written down, one if it repeats by itself."""

LATE_TABLES = {"infrastructure-6": "CHALLENGES"}
"""Tables of OPS that the environment does not have before they are needed, by the test whose evidence they hold."""


@dataclass(frozen=True)
class Scored:
    """One test with its score.

    Args:
        key: For example ``data-1``.
        section: Its section.
        name: Its name.
        score: 0, 0.5 or 1.
        evidence: What was found; empty if nothing was.
        missing: What would be evidence for a full point, if it has none.
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
                    told = "; ".join(part for part in (each.evidence, each.missing) if part)
                    lines.append(f"  {each.score:<3g} {each.key:<17} {each.name}\n{'':24}{told}")
        return "\n".join([*lines, f"ML Test Score of {self.database}: {self.total:g}, the least of the sections"])


def score_card(workspace: Workspace) -> ScoreCard:
    """Look for evidence of each test in the records of one environment; nothing is changed.

    Args:
        workspace: Session, project and environment.

    Returns:
        The card; a test without evidence scores 0.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if the environment is not there, or is older than a table
            that is read: create it, which keeps what is there.
    """
    database = workspace.database
    by_hand = run(workspace.session, "score_card/by_hand.sql", database=database)
    return ScoreCard(database, tuple(_scored(workspace.session, database, test, by_hand) for test in RUBRIC))


def _scored(session: "Session", database: str, test: Test, by_hand: "Sequence[Row]") -> Scored:
    score, found = _recorded(session, database, test)
    if score < BY_HAND:
        told = [row for row in by_hand if row["TEST"] == test.key]
        if told:
            last = told[-1]
            found = f"by hand, {last['DONE_BY']} on {last['DONE_AT']:%Y-%m-%d}: {last['RESULT']} ({last['DOCUMENT']})"
            score = BY_HAND
    return Scored(test.key, test.section, test.name, score, found, "" if score == AUTOMATIC else test.missing)


def _recorded(session: "Session", database: str, test: Test) -> tuple[float, str]:
    """What the stages have recorded; a test that nothing could show has no query."""
    template = f"score_card/{test.key.replace('-', '_')}.sql"
    if not (include_dir() / "sql" / template).is_file():
        return NOTHING, ""
    late = LATE_TABLES.get(test.key)
    if late and not show(session, f"SHOW TABLES LIKE '{late}' IN SCHEMA {identifier(database, 'OPS')}"):
        return NOTHING, ""
    row: dict[str, Any] = run(session, template, database=database)[0].as_dict()
    if row["RAN"]:
        return AUTOMATIC, str(row["FOUND"])
    return (BY_HAND, str(row["FOUND"])) if row["BY_HAND"] else (NOTHING, "")


def record_by_hand(workspace: Workspace, *, test: str, result: str, document: str) -> Test:
    """Record that a person did a test, and where that is written down: worth half a point.

    Args:
        workspace: Session, project and environment.
        test: Its key, such as ``data-5``.
        result: What was found.
        document: Where it is written down.

    Returns:
        The test.

    Raises:
        ReportError: if there is no such test, or result or document are empty.
    """
    known = test_of(test)
    if known is None:
        message = f"there is no test '{test}': name one of {', '.join(each.key for each in RUBRIC)}"
        raise ReportError(message)
    if not result.strip() or not document.strip():
        message = f"{known.key} by hand needs a result and a document, given: result '{result}', document '{document}'"
        raise ReportError(message)
    values = {"test": known.key, "result": result.strip(), "document": document.strip()}
    run(workspace.session, "score_card/record_by_hand.sql", database=workspace.database, **values)
    return known
