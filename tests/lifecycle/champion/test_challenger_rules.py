"""A declared challenger without a loop: declaration, plan, ledger, index of stability, and comparison of classes."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from snowflake.snowpark import Row, Session

from snowloop.errors import ProjectError
from snowloop.lifecycle.champion.ledger import Entry, champion_history, current_challenger
from snowloop.lifecycle.scoring.plan import RunSql, make_plan
from snowloop.project import load_project
from snowloop.sql import render
from snowloop_procedures.requests import ComparisonRequest, Plan
from snowloop_procedures.statistics import comparison
from tests.support.duel import declare, duel
from tests.support.loops import deployed, desired, environment

CREDIT = load_project("credit_approval")


@pytest.mark.parametrize(
    ("challenger", "says"),
    [
        ("{mode: canary}", "mode canary needs the share of the keys"),
        ("{mode: shadow, share: 0.1}", "share is for mode canary"),
        ("{mode: canary, share: 1}", "less than 1"),
        ("{mode: canary, share: 0}", "greater than 0"),
        ("{mode: dark}", "'shadow' or 'canary'"),
        ("{share: 0.1}", "'serving.challenger.mode'"),
        ("{mode: shadow, shares: 0.1}", "unknown key 'serving.challenger.shares'"),
    ],
)
def test_a_wrong_challenger_is_an_error(tmp_path: Path, challenger: str, says: str):
    file = duel(tmp_path).directory / "project.yaml"
    file.write_text(f"{file.read_text()}serving:\n  challenger: {challenger}\n")
    with pytest.raises(ProjectError) as caught:
        load_project("duel", tmp_path)
    assert says in str(caught.value)
    assert "project.yaml" in str(caught.value)


@pytest.mark.parametrize(
    ("declared", "tables"),
    [
        ({"mode": "shadow"}, ["SERVING.SHADOW", "OPS.CHALLENGES"]),
        ({"mode": "canary", "share": 0.2}, ["OPS.CHALLENGES"]),
        ({}, []),
    ],
)
def test_tables_of_a_challenger_are_made_before_the_procedure_needs_them(declared: dict[str, Any], tables: list[str]):
    project = declare(CREDIT, **declared)
    plan = make_plan(project, "dev", desired(project), environment(project))
    made = [change.name for change in plan.changes if change.kind == "table" and change.name != "SERVING.BASELINE"]
    assert made == tables
    texts = [step.statement if isinstance(step, RunSql) else "" for step in plan.steps]
    first_task = next(at for at, text in enumerate(texts) if "CREATE OR REPLACE TASK" in text)
    for name in tables:
        quoted = ".".join(f'"{part}"' for part in name.split("."))
        at = next(
            at for at, text in enumerate(texts) if f'"CREDIT_APPROVAL_DEV".{quoted} ' in text and "CREATE TABLE" in text
        )
        assert at < first_task


def test_a_challenger_as_deployed_needs_no_step_and_another_one_keeps_the_stream():
    shadow, canary = declare(CREDIT, mode="shadow"), declare(CREDIT, mode="canary", share=0.2)
    found = deployed(shadow)
    assert make_plan(shadow, "dev", desired(shadow), found).nothing_to_do
    changed = make_plan(canary, "dev", desired(canary), found)
    assert {change.kind for change in changed.changes if change.action in ("create", "recreate")} >= {
        "procedure",
        "task",
    }
    assert {change.action for change in changed.changes if change.kind == "stream"} == {"keep"}
    more = declare(CREDIT, mode="canary", share=0.3)
    assert not make_plan(more, "dev", desired(more), deployed(canary)).nothing_to_do


def test_nothing_of_a_challenger_is_deployed_where_none_is_declared():
    request = desired(CREDIT).request
    assert request.challenger is None
    assert "SHADOW" not in str(request)
    assert "CHALLENGES" not in str(request)


def entry(action: str, to_version: str | None) -> Entry:
    return Entry(1, action, None, to_version, None, None, "", "", datetime.now(UTC))


def test_the_ledger_knows_champion_and_challenger_apart():
    history = [
        entry("promote", "A"),
        entry("challenge", "B"),
        entry("challenge", "C"),
        entry("promote", "D"),
    ]
    assert (champion_history(history), current_challenger(history)) == (["A", "D"], "C")
    promoted = [*history, entry("promote", "C")]
    assert (champion_history(promoted), current_challenger(promoted)) == (["A", "D", "C"], None)
    withdrawn = [*history, entry("withdraw", None)]
    assert (champion_history(withdrawn), current_challenger(withdrawn)) == (["A", "D"], None)
    rolled_back = [*promoted, entry("rollback", "D"), replace(entry("challenge", "A"), from_version=None)]
    assert (champion_history(rolled_back), current_challenger(rolled_back)) == (["A", "D"], "A")


def test_stability_is_the_sum_over_the_bins_of_the_champion():
    expected = np.arange(1000) / 1000
    assert comparison.stability(expected, expected) == pytest.approx(0)
    # all scores moved into the upper half; a bin begins at its lower edge, and half a row is added to each of twelve
    e = (np.array([0, 99, *[100] * 8, 101, 0]) + 0.5) / 1006
    a = (np.array([0, *[0] * 5, 198, *[200] * 3, 202, 0]) + 0.5) / 1006
    by_hand = np.sum((a - e) * np.log(a / e))
    assert comparison.stability(expected, np.repeat(expected[500:], 2)) == pytest.approx(by_hand)
    assert comparison.stability(np.zeros(20), np.zeros(20)) == pytest.approx(0)


@pytest.mark.parametrize(
    "challenger",
    [
        pytest.param(np.repeat([0.1, 0.9], [500, 500]), id="a rare score becomes frequent"),
        pytest.param(np.full(1000, 0.1), id="a rare score is gone"),
        pytest.param(np.repeat([0.0, 0.9], [950, 50]), id="below all of the champion's"),
        pytest.param(np.repeat([0.1, 1.0], [950, 50]), id="above all of the champion's"),
    ],
)
def test_ties_hide_no_change_of_the_scores(challenger: np.ndarray):
    champion = np.repeat([0.1, 0.9], [950, 50])
    assert comparison.stability(champion, champion) == pytest.approx(0)
    assert comparison.stability(champion, challenger) > 0.1


def test_versions_of_several_classes_are_compared_by_the_predicted_class(session: Session):
    session.sql("CREATE OR REPLACE DATABASE COMPARED").collect()
    columns = "(ID NUMBER(38,0), SCORE FLOAT, PROBABILITIES VARIANT, MODEL_VERSION VARCHAR, RUN_ID VARCHAR"
    for statement in (
        "CREATE SCHEMA COMPARED.SERVING",
        "CREATE SCHEMA COMPARED.RAW",
        f"CREATE TABLE COMPARED.SERVING.SCORED {columns}, SCORED_AT TIMESTAMP_NTZ, EVENT_TIME TIMESTAMP_NTZ)",
        "CREATE TABLE COMPARED.SERVING.CORRECTIONS (ID NUMBER(38,0), GONE BOOLEAN, CORRECTED_AT TIMESTAMP_NTZ)",
        "CREATE TABLE COMPARED.RAW.ANSWERS (ID NUMBER(38,0), KIND VARCHAR)",
        "INSERT INTO COMPARED.RAW.ANSWERS VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'a')",
    ):
        session.sql(statement).collect()
    answers = {
        "CHAMP": {1: (0.6, 0.3, 0.1), 2: (0.5, 0.4, 0.1), 3: (0.1, 0.1, 0.8), 4: (0.2, 0.7, 0.1), 5: (0.8, 0.1, 0.1)},
        "CHALL": {1: (0.7, 0.2, 0.1), 2: (0.2, 0.7, 0.1), 3: (0.1, 0.2, 0.7), 4: (0.3, 0.6, 0.1), 5: (0.1, 0.8, 0.1)},
    }
    session.sql("CREATE TABLE COMPARED.SERVING.SHADOW AS SELECT * FROM COMPARED.SERVING.SCORED").collect()
    for table, version in (("SCORED", "CHAMP"), ("SHADOW", "CHALL")):
        for key, (a, b, c) in answers[version].items():
            session.sql(
                f"INSERT INTO COMPARED.SERVING.{table} SELECT {key}, {max(a, b, c)}, "
                f"OBJECT_CONSTRUCT('a', {a}, 'b', {b}, 'c', {c}), '{version}', 'run', SYSDATE(), NULL"
            ).collect()
    names = {
        "database": "COMPARED", "champion": "CHAMP", "challenger": "CHALL", "key": ("ID",), "most": 100,
        "label": "SELECT ID, KIND FROM COMPARED.RAW.ANSWERS", "label_column": "KIND", "classes": ("a", "b", "c"),
        "table": '"COMPARED"."RAW"."ANSWERS"', "group": None, "in_time": False,
    }  # fmt: skip
    for group, in_time in (("KIND", False), ("ID", False), (None, True)):
        column = "SNOWLOOP_ORDER" if in_time else "SNOWLOOP_GROUP"
        rows = session.sql(render("champion/shadow.sql", **{**names, "group": group, "in_time": in_time})).collect()
        assert len(rows) == 5
        known = {row["LABEL"]: row[column] for row in rows}
        assert known["b"] == {"KIND": "b", "ID": "2"}[group] if group else known["b"] > 1_700_000_000
    request = ComparisonRequest(
        query=render("champion/shadow.sql", **names), paired=True, task="multiclass", classes=("a", "b", "c"),
        metric="accuracy", higher_is_better=True, plan=Plan(),
    )  # fmt: skip
    found = comparison.compare(session, request)
    assert found["rows"] == {"champion": 5, "challenger": 5}
    assert found["labelled"] == {"champion": 4, "challenger": 4}
    assert found["agreement"] == pytest.approx(3 / 5)
    assert found["scores"]["champion"]["mean"] == pytest.approx((0.6 + 0.5 + 0.8 + 0.7 + 0.8) / 5)
    assert found["scores"]["champion"]["positive"] is None
    assert found["metrics"]["champion"]["value"] == pytest.approx(2 / 4)
    assert found["metrics"]["challenger"]["value"] == pytest.approx(3 / 4)
    assert found["difference"]["value"] == pytest.approx(1 / 4)


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize(("column", "count"), [("SNOWLOOP_GROUP", 30), ("SNOWLOOP_ORDER", 30)])
def test_rows_that_are_alike_are_compared_as_the_gate_compares_them(column: str, count: int, paired: bool):
    random = np.random.default_rng(1)
    groups = np.repeat(np.arange(count), 20)
    better, label = random.normal(size=count)[groups], random.normal(size=len(groups))
    rows = [
        Row(CHAMPION=own if paired or place % 2 else None, CHALLENGER=other if paired or not place % 2 else None,
            LABEL=true, **{name: group})
        for name in (column,)
        for place, (own, other, true, group) in enumerate(
            zip(label + 2, label + 2 + better, label, map(int, groups), strict=True)
        )
    ]  # fmt: skip

    class Answering:
        def __init__(self, rows: list[Row]) -> None:
            self.rows = rows

        def sql(self, _: str) -> "Answering":
            return self

        def collect(self) -> list[Row]:
            return self.rows

    request = ComparisonRequest(
        query="", paired=paired, task="regression", metric="mae", higher_is_better=False, plan=Plan()
    )
    found = comparison.compare(Answering(rows), request)  # type: ignore[arg-type]
    apart = [Row(**{name: value for name, value in row.as_dict().items() if name != column}) for row in rows]
    independent = comparison.compare(Answering(apart), request)  # type: ignore[arg-type]
    for part in (lambda each: each["difference"], lambda each: each["metrics"]["challenger"]):
        wide, narrow = (part(each)["high"] - part(each)["low"] for each in (found, independent))
        assert wide > 2 * narrow
