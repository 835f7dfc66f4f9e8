"""Scores the ML Test Score of a project in one environment, from what is recorded of what ran there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from snowloop.errors import ReportError
from snowloop.lifecycle.data.contract import declared_rules
from snowloop.lifecycle.monitoring.ml_test_score.rubric import RUBRIC, SECTIONS, Test, test_of
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.versions import Version, champion
from snowloop.project import Project
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from snowflake.snowpark import Row

QUERIES = "monitoring/ml_test_score/queries.sql"

State = Literal["earned", "by_hand", "failed", "nothing"]
POINTS: dict[State, float] = {"earned": 1.0, "by_hand": 0.5, "failed": 0.0, "nothing": 0.0}
"""The paper's rule: half a point for a test that is done by hand and written down, one if it repeats by itself. A test
that ran and failed earns nothing."""
WORDS: dict[State, str] = {"earned": "", "by_hand": "by hand: ", "failed": "ran and failed: ", "nothing": "nothing: "}


@dataclass(frozen=True)
class Scored:
    """One test with its score.

    Args:
        key: For example ``data-1``.
        section: Its section.
        name: Its name.
        score: 0, 0.5 or 1.
        state: ``earned`` if it ran of late and passed, ``failed`` if it ran and failed, ``by_hand`` if a person did it.
        evidence: What is recorded; empty if there is nothing.
        missing: What would be evidence for a full point; empty if it ran.
    """

    key: str
    section: str
    name: str
    score: float
    state: State
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
                    details = WORDS[each.state] + "; ".join(filter(None, (each.evidence, each.missing)))
                    lines.append(f"  {each.score:<3g} {each.key:<17} {each.name}\n{'':24}{details}")
        return "\n".join([*lines, f"ML Test Score of {self.database}: {self.total:g}, the minimum of the sections"])


def score_card(workspace: Workspace) -> ScoreCard:
    """Look for evidence of each test in the records of one environment; a test without evidence scores 0.

    Evidence is of the present champion, and not older than ``monitoring.score_card.window``. Nothing is changed.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if the environment does not exist, or is older than a table
            that is read: create it, which keeps what is there.
    """
    now = champion(workspace)
    by_hand = workspace.run(f"{QUERIES}#done_by_hand", window=_seconds(workspace.project.monitoring.score_card.window))
    return ScoreCard(workspace.database, tuple(_scored(workspace, test, now, by_hand) for test in RUBRIC))


def _scored(workspace: Workspace, test: Test, now: Version | None, by_hand: "Sequence[Row]") -> Scored:
    state, evidence = recorded(workspace, test, now)
    records = [row for row in by_hand if row["TEST"] == test.key]
    if state == "nothing" and records:
        last = records[-1]
        evidence = f"{last['DONE_BY']} on {last['DONE_AT']:%Y-%m-%d}: {last['RESULT']} ({last['DOCUMENT']})"
        state = "by_hand"
    missing = test.missing if state in ("nothing", "by_hand") else ""
    return Scored(test.key, test.section, test.name, POINTS[state], state, evidence, missing)


def recorded(workspace: Workspace, test: Test, now: Version | None) -> tuple[State, str]:
    """What the stages have recorded of a test.

    Args:
        test: The test.
        now: The champion, or None.

    Returns:
        The state, and the evidence in words; empty if there is none.
    """
    if test.query is None or (test.late_table and not workspace.exists("TABLES", "OPS", test.late_table)):
        return "nothing", ""
    row = workspace.run(f"{QUERIES}#{test.query}", **_scope(workspace.project, now))[0].as_dict()
    if row["ASKED"]:
        return "failed" if row["FAILED"] else "earned", str(row["EVIDENCE"])
    return ("by_hand", str(row["EVIDENCE"])) if row.get("BY_HAND") else ("nothing", "")


def _scope(project: Project, now: Version | None) -> dict[str, Any]:
    """What the queries ask about: the champion, the declared rules, and the window."""
    declared, facts = project.monitoring.score_card, now.facts if now else {}
    rules = [(name, rule) for name, source in project.sources.items() for rule in declared_rules(source)]
    searches = [[one.name for one in each.expanded()] for each in project.candidates if each.search]
    return {
        "window": _seconds(declared.window),
        "most_milliseconds": 1000 * declared.max_feature_time.total_seconds(),
        "champion": now.name if now else None,
        "judged": now.judged_as if now else None,
        "training_set": facts.get("training_set"),
        "metric": project.metric.name,
        "rules": rules,
        "scored_rules": sum(name == project.source for name, _ in rules),
        "searched": next((names for names in searches if facts.get("candidate") in names), []),
    }


def _seconds(duration: timedelta) -> int:
    return round(duration.total_seconds())


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
