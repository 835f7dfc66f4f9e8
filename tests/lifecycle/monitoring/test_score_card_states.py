"""Each test of the score card has three states: it ran of late and passed, it ran and failed, or there is nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from snowloop.lifecycle.monitoring.ml_test_score.card import recorded
from snowloop.lifecycle.monitoring.ml_test_score.rubric import RUBRIC
from snowloop.lifecycle.versions import Version
from snowloop.project import Candidate, Project, Search
from snowloop.sql import literal
from snowloop.workspace import Workspace

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
CHAMPION, BEFORE, TRAINING_SET = "RIDGE_V1", "RIDGE_V0", "t1"
SEARCHED = Candidate(name="ridge", search=Search(space={"alpha": (1, 10)}))
FIRST, SECOND = (each.name.upper() for each in SEARCHED.expanded())
NOW = Version(CHAMPION, facts={"training_set": TRAINING_SET, "candidate": SEARCHED.expanded()[0].name})


@dataclass(frozen=True)
class Row:
    """A row of a table of OPS or SERVING, and which of its columns are moments, so many seconds ago."""

    table: str
    values: dict[str, Any]
    at: dict[str, int]

    def insertion(self, database: str, older: int) -> str:
        values = {name: literal(value) for name, value in self.values.items()}
        values |= {name: f"DATEADD('second', -{ago + older}, SYSDATE())" for name, ago in self.at.items()}
        if "DETAILS" in values:
            values["DETAILS"] = f"PARSE_JSON({values['DETAILS']})"
        if "FEATURES" in values:
            values["FEATURES"] = f"PARSE_JSON({values['FEATURES']})"
        columns = ", ".join(values)
        return f"INSERT INTO {database}.{self.table} ({columns}) SELECT {', '.join(values.values())}"

    def of(self, version: str, training_set: str) -> "Row":
        """The same row of another version and training set."""
        other = {CHAMPION: version, TRAINING_SET: training_set}
        return replace(self, values={name: other.get(value, value) for name, value in self.values.items()})


def rule(name: str, passed: bool) -> Row:
    values = {"CHECK_RUN": "r", "SOURCE": "patient", "CHECK_NAME": name, "PASSED": passed}
    return Row("OPS.CONTRACT_CHECKS", values, {"CHECKED_AT": 5})


def evaluated(name: str, value: float, version: str = CHAMPION, **more: Any) -> Row:
    values = {"EVALUATION_ID": f"e {version}", "MODEL_VERSION": version, "NAME": name, "VALUE": value, **more}
    return Row("OPS.EVALUATIONS", {"TRAINING_SET": TRAINING_SET, **values}, {"EVALUATED_AT": 5})


def feature(check: str, **values: Any) -> Row:
    named = {"TRAINING_SET": TRAINING_SET, "FEATURE": "BMI", "CHECK_NAME": check, **values}
    return Row("OPS.FEATURE_CHECKS", named, {"CHECKED_AT": 5})


def leakage(passed: bool | None, ago: int = 5) -> Row:
    values = {"CHECK_ID": f"c{ago}", "TRAINING_SET": TRAINING_SET, "CHECK_NAME": "SINGLE_FEATURE", "PASSED": passed}
    return Row("OPS.LEAKAGE_CHECKS", values, {"CHECKED_AT": ago})


def judged(check: str, passed: bool | None, ago: int = 20, **more: Any) -> Row:
    values = {
        "VERDICT_ID": f"v{ago}",
        "MODEL_VERSION": CHAMPION,
        "CHECK_NAME": check,
        "PASSED": passed,
        "REASON": check,
    }
    return Row("OPS.VERDICTS", {**values, **more}, {"DECIDED_AT": ago})


def promoted(version: str = CHAMPION, ago: int = 10, **more: Any) -> Row:
    values = {
        "ENTRY": 1000 - ago,
        "ACTION": "promote",
        "TO_VERSION": version,
        "VERDICT_ID": "v20",
        "DONE_BY": "SERVICE",
    }
    values |= {"TRAINING_SET": TRAINING_SET, "GIT_COMMIT": "a1", **more}
    return Row("OPS.LEDGER", values, {"DONE_AT": ago})


def built(ago: int, fingerprint: str = TRAINING_SET, text: str = "SELECT 1") -> Row:
    values = {"FINGERPRINT": fingerprint, "FEATURES_SQL": text}
    return Row("OPS.TRAINING_SETS", values, {"CREATED_AT": ago})


def rehearsed(name: str, passed: bool | None, version: str = CHAMPION, ago: int = 5, **more: Any) -> Row:
    values = {"NAME": name, "MODEL_VERSION": version, "PASSED": passed, "REASON": name, **more}
    return Row("OPS.REHEARSALS", values, {"DONE_AT": ago})


def monitored(name: str, passed: bool | None, ago: int = 5, **more: Any) -> Row:
    values = {"NAME": name, "MODEL_VERSION": CHAMPION, "PASSED": passed, "REASON": name, **more}
    return Row("OPS.MONITORING_CHECKS", values, {"CHECKED_AT": ago})


def scored(error: str | None = None, ago: int = 5) -> Row:
    values = {"RUN_ID": f"r{ago}", "MODEL_VERSION": CHAMPION, "ROWS_READ": 9, "ROWS_SCORED": 8, "ROWS_QUARANTINED": 1}
    return Row("OPS.RUNS", {**values, "ERROR": error}, {"STARTED_AT": ago})


def score(features: str | None) -> Row:
    values = {"MODEL_VERSION": CHAMPION, "RUN_ID": "r", "SCORE": 1.0, "FEATURES": features}
    return Row("SERVING.SCORED", values, {"SCORED_AT": 5})


def canary(mode: str = "canary", error: str | None = None, ago: int = 15) -> Row:
    values = {
        "RUN_ID": f"r{ago}",
        "MODE": mode,
        "CHALLENGER": CHAMPION,
        "ROWS_SCORED": None if error else 5,
        "ERROR": error,
    }
    return Row("OPS.CHALLENGES", values, {"NOTED_AT": ago})


def measured_later(same_rows: str) -> list[Row]:
    """A new version, judged beside the champion on the rows of a later training set."""
    details = f'{{"champion": "{CHAMPION}", "same_rows": {same_rows}}}'
    own = {"EVALUATION_ID": "e V2", "MODEL_VERSION": "V2", "TRAINING_SET": "t2"}
    values = {"EVALUATION_ID": "e V2", "MODEL_VERSION": "V2", "DETAILS": details}
    figures = [evaluated("rmse", 50.0, **own), evaluated("champion rmse", 55.0, **own)]
    return [promoted(), *figures, Row("OPS.EVALUATION_DETAILS", values, {"EVALUATED_AT": 5})]


def versions(*served: float) -> list[Row]:
    """Three versions, each better on held-out rows than the one before, with what they had when they served."""
    return [
        row
        for place, value in enumerate(served)
        for row in (
            evaluated("rmse", 50.0 - place, f"V{place}"),
            rehearsed("SERVED_SCORES_MEASURED", True, f"V{place}", VALUE=value),
        )
    ]


def compared(*names: str) -> list[Row]:
    return [judged("TRAINED", True, CANDIDATES=str([f"{each}_12345678_12345678" for each in names]).replace("'", '"'))]


DAY = 86_400
CASES: dict[str, tuple[Sequence[Row], Sequence[Row]]] = {
    "data-1": ([rule("BMI_MIN", True), rule("ROW_COUNT", False)], [rule("BMI_MIN", True), rule("BP_MAX", False)]),
    "data-2": (
        [evaluated("importance", 0.1, SLICE="BMI")],
        [evaluated("importance", 0.1, SLICE="BMI"), evaluated("importance", -0.001, SLICE="BP")],
    ),
    "data-3": ([feature("MILLISECONDS", VALUE=59_000)], [feature("MILLISECONDS", VALUE=61_000)]),
    "data-4": ([leakage(False, ago=9), leakage(True)], [leakage(True, ago=9), leakage(False)]),
    "data-6": (
        [built(100), promoted()],
        [built(DAY + 100), built(9 * DAY, "t0", "SELECT 0"), promoted(BEFORE, 8, TRAINING_SET="t0"),
         promoted(ago=5, FROM_VERSION=BEFORE)],
    ),
    "data-7": ([feature("REPEATABLE", PASSED=True)], [feature("REPEATABLE", PASSED=False)]),
    "model-1": ([promoted(APPROVED_BY="ada")], [promoted(APPROVED_BY="ada", GIT_COMMIT="a1-dirty")]),
    "model-2": (versions(53.0, 52.5, 51.0), versions(51.0, 52.5, 53.0)),
    "model-3": (compared(FIRST, SECOND), compared(FIRST)),
    "model-4": (measured_later("true"), measured_later("false")),
    "model-5": ([judged("BASELINE_BEATEN", True)], [judged("BASELINE_BEATEN", False)]),
    "model-6": ([judged("SLICES", False, ago=30), judged("SLICES", True)], [judged("SLICES", False)]),
    "model-7": ([judged("FAIRNESS", True)], [judged("FAIRNESS", False)]),
    "infrastructure-1": (
        [rehearsed("TRAINING_REPRODUCED", False, ago=9), rehearsed("TRAINING_REPRODUCED", True)],
        [rehearsed("TRAINING_REPRODUCED", True, ago=9), rehearsed("TRAINING_REPRODUCED", False)],
    ),
    "infrastructure-2": (
        [rehearsed("SPECIFICATION_TESTED", False, ago=9), rehearsed("SPECIFICATION_TESTED", True)],
        [rehearsed("SPECIFICATION_TESTED", False)],
    ),
    "infrastructure-3": (
        [promoted(), scored("lost", ago=8), scored()],
        [promoted(), scored(ago=8), scored("a column is missing")],
    ),
    "infrastructure-4": (
        [promoted(), judged("BOUND", True), judged("SLICES", None)],
        [promoted(), judged("BOUND", False), judged("OVERRIDE", True)],
    ),
    "infrastructure-5": ([score('{"BMI": 1}')], [score('{"BMI": 1}'), score(None)]),
    "infrastructure-6": (
        [canary(error="killed", ago=18), canary(), promoted()],
        [canary(ago=18), canary(error="killed"), promoted()],
    ),
    "infrastructure-7": (
        [promoted(), rehearsed("ROLLBACK_REHEARSED", True, BEFORE)],
        [promoted(), rehearsed("ROLLBACK_REHEARSED", False, BEFORE)],
    ),
    "monitoring-1": ([monitored("DEPENDENCIES", True)], [monitored("DEPENDENCIES", False)]),
    "monitoring-2": (
        [scored(), monitored("contract", False, ago=9), monitored("contract", True)],
        [scored(), monitored("contract", True), monitored("quarantine", False)],
    ),
    "monitoring-3": ([judged("SKEW", True)], [judged("SKEW", False)]),
    "monitoring-4": ([monitored("CHAMPION_AGE", True)], [monitored("CHAMPION_AGE", False)]),
    "monitoring-5": ([monitored("SCORES_FINITE", False, ago=9), monitored("SCORES_FINITE", True)],
                     [monitored("SCORES_FINITE", False)]),
    "monitoring-6": ([monitored("SCORING_TIME", True), monitored("SCORING_TIME", None, ago=2)],
                     [monitored("SCORING_TIME", False)]),
    "monitoring-7": (
        [rehearsed("SERVED_SCORES_MEASURED", True), monitored("performance", True)],
        [rehearsed("SERVED_SCORES_MEASURED", True), monitored("performance", False)],
    ),
}  # fmt: skip
OF_NO_VERSION = ("data-1", "data-6", "model-2")
"""Tests that are about the rows, or about several versions."""


@pytest.fixture(scope="module")
def declared(environment: Workspace) -> Workspace:
    workspace = replace(environment, project=searching(environment.project))
    workspace.run("scoring/challenger.sql#create_challenges")
    return workspace


def searching(project: Project) -> Project:
    return project.model_copy(update={"candidates": (SEARCHED,)})


@pytest.fixture
def card(declared: Workspace) -> Iterator[Workspace]:
    """The environment, which forgets what a test has recorded."""
    declared.session.sql("BEGIN").collect()
    yield declared
    declared.session.sql("ROLLBACK").collect()


def state(card: Workspace, key: str, rows: Sequence[Row], older: int = 0) -> str:
    (test,) = (each for each in RUBRIC if each.key == key)
    for row in rows:
        card.session.sql(row.insertion(card.database, older)).collect()
    found, evidence = recorded(card, test, NOW)
    assert bool(evidence) == (found != "nothing")
    return found


def test_every_test_that_a_system_can_do_is_here():
    assert list(CASES) == [test.key for test in RUBRIC if test.query]


@pytest.mark.parametrize("key", CASES)
def test_what_ran_of_late_and_passed_earns_the_point(card: Workspace, key: str):
    assert state(card, key, CASES[key][0]) == "earned"


@pytest.mark.parametrize("key", CASES)
def test_what_ran_and_failed_earns_nothing_and_is_named(card: Workspace, key: str):
    assert state(card, key, CASES[key][1]) == "failed"


@pytest.mark.parametrize("key", CASES)
def test_what_never_ran_is_nothing(card: Workspace, key: str):
    assert state(card, key, []) == "nothing"


@pytest.mark.parametrize("key", CASES)
def test_what_is_older_than_the_window_is_nothing(card: Workspace, key: str):
    assert state(card, key, CASES[key][0], older=91 * DAY) == "nothing"


@pytest.mark.parametrize("key", [key for key in CASES if key not in OF_NO_VERSION])
def test_what_is_of_another_version_is_nothing(card: Workspace, key: str):
    rows = [row.of(BEFORE, "t0") for row in CASES[key][0]]
    rows = [row for row in rows if row.table != "OPS.EVALUATION_DETAILS"]
    now = [promoted(ago=7)] if key == "infrastructure-7" else []  # rehearsed before the champion changed
    earlier = [replace(row, at={"DONE_AT": 9}) if row.table == "OPS.REHEARSALS" else row for row in rows]
    assert state(card, key, [*(earlier if now else rows), *now]) == "nothing"


@pytest.mark.parametrize(
    ("key", "rows"),
    [
        ("data-4", [leakage(None)]),
        ("model-2", versions(53.0, 52.5)),
        ("model-3", compared()),
        ("model-6", [judged("SLICES", None)]),
        ("model-1", [promoted()]),
        ("infrastructure-6", [canary("shadow"), promoted()]),
        ("infrastructure-7", [rehearsed("ROLLBACK_REHEARSED", None), promoted()]),
        ("monitoring-6", [monitored("SCORING_TIME", None)]),
    ],
)
def test_what_was_not_asked_is_nothing(card: Workspace, key: str, rows: list[Row]):
    assert state(card, key, rows) == "nothing"


@pytest.mark.parametrize(
    ("key", "rows"),
    [
        ("model-1", [promoted(APPROVED_BY="service")]),
        ("model-1", [promoted(APPROVED_BY="ada", GIT_COMMIT="unknown")]),
        ("model-1", [promoted(APPROVED_BY="ada", GIT_COMMIT=None)]),
        ("infrastructure-4", [promoted(VERDICT_ID=None)]),
    ],
)
def test_a_promotion_by_its_own_word_or_of_unknown_code_fails(card: Workspace, key: str, rows: list[Row]):
    assert state(card, key, rows) == "failed"


def test_a_rollback_that_a_person_did_counts_as_done_by_hand(card: Workspace):
    assert state(card, "infrastructure-7", [promoted(ago=9), promoted(BEFORE, 5, ACTION="rollback")]) == "by_hand"


@pytest.mark.parametrize("key", ["data-1", "monitoring-2"])
def test_a_project_without_rules_earns_nothing_for_rules(card: Workspace, key: str):
    source = card.project.streamed
    free = {"nullable": True, "unique": False, "min": None, "max": None, "allowed": None}
    columns = {name: column.model_copy(update=free) for name, column in source.columns.items()}
    sources = {card.project.source: source.model_copy(update={"columns": columns})}
    bare = replace(card, project=card.project.model_copy(update={"sources": sources}))
    universal = [rule("ROW_COUNT", True), rule("PATIENT_ID_UNIQUE", True), rule("ANY_RULE", True)]
    assert state(bare, key, [*universal, scored()]) == "nothing"
