"""Labels that are there but not known yet are used nowhere: not in comparisons, and not in rehearsals."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from snowflake.snowpark import Session

from snowloop.lifecycle.champion.compare import compare_versions
from snowloop.lifecycle.features.known_labels import known_labels
from snowloop.lifecycle.monitoring.rehearse import rehearse
from snowloop.project import Label
from snowloop.sql import render
from tests.support.copies import Copies, canary
from tests.support.tiny import Event, insertion

DAY = timedelta(days=1)
AGES = {1: 1, 2: 29, 3: 31, 4: 400}
"""Days since the event, by key."""


class Captured(Exception):  # noqa: N818 - not an error: the request is all that is asked for
    """The request that a procedure would have been called with."""


@pytest.fixture(scope="module")
def made(session: Session, tmp_path_factory: pytest.TempPathFactory) -> Copies:
    """Four scored rows with a label, of which two are older than 30 days."""
    world = Copies(session, tmp_path_factory.mktemp("known"), "known", ("A", "B"))
    world.promote("A")
    now = world.value("SELECT SYSDATE()")
    events = [Event(key, 1.0, 2.0, "A", f"{now - age * DAY:%Y-%m-%d %H:%M:%S}", key) for key, age in AGES.items()]
    world.rows(insertion(events))
    world.rows("UPDATE {db}.RAW.EVENTS SET LATE = MOD(ID, 2)")
    (world.project.directory / "label.sql").write_text(
        "SELECT ID, LATE, DATEADD('day', 30, HAPPENED_AT) AS KNOWN_AT FROM {{ raw }}.EVENTS WHERE LATE IS NOT NULL\n"
    )
    world.rows(
        "INSERT INTO {db}.SERVING.SCORED (ID, SCORE, MODEL_VERSION, RUN_ID, SCORED_AT) "
        "SELECT ID, 0.5, IFF(ID < 3, 'A', 'B'), 'run', SYSDATE() FROM {db}.RAW.EVENTS"
    )
    world.rows("CREATE TABLE {db}.FEATURES.TRAINING_SET_COPIES (ID NUMBER(38,0))")
    world.rows(render("scoring/challenger.sql#create_challenges", database=world.database))
    world.rows(
        "INSERT INTO {db}.OPS.CHALLENGES (RUN_ID, MODEL_NAME, MODE, CHAMPION, CHALLENGER, NOTED_AT, ROWS_SCORED) "
        "SELECT 'run', 'TINY', 'canary', 'A', 'B', SYSDATE(), 4"
    )
    return world


@pytest.fixture(params=["known_after", "known_at"])
def world(made: Copies, request: pytest.FixtureRequest) -> Iterator[Copies]:
    """Either way to declare that a label is known after 30 days."""
    project = made.project
    known: Any = {"known_after": 30 * DAY} if request.param == "known_after" else {"known_at": "KNOWN_AT"}
    made.declare(label=Label(column="LATE", task="classification", **known), **canary(project, share=0.5))
    yield made
    made.project = project


def request_of(patch: pytest.MonkeyPatch, module: str, stage: Any, *given: Any, **named: Any) -> Any:
    def capture(_workspace: Any, _handler: Any, asked: Any, *_more: Any) -> None:
        raise Captured(asked)

    patch.setattr(f"snowloop.lifecycle.{module}.call", capture)
    with pytest.raises(Captured) as found:
        stage(*given, **named)
    return found.value.args[0]


def test_only_labels_that_are_known_by_now_are_read(world: Copies):
    found = world.session.sql(known_labels(world.project, world.target)).collect()
    assert sorted(row["ID"] for row in found) == [3, 4]


def test_without_a_declaration_every_label_counts(made: Copies):
    assert len(made.session.sql(known_labels(made.project, made.target)).collect()) == 4


def test_a_comparison_has_no_other_labels(world: Copies, monkeypatch: pytest.MonkeyPatch):
    asked = request_of(monkeypatch, "champion.compare", compare_versions, world.workspace, version="B")
    rows = world.session.sql(asked.query).collect()
    assert len(rows) == 4
    assert sum(row["LABEL"] is not None for row in rows) == 2


def test_served_scores_are_measured_by_no_other_labels(world: Copies, monkeypatch: pytest.MonkeyPatch):
    world.rows("UPDATE {db}.SERVING.SCORED SET MODEL_VERSION = 'A'")
    asked = request_of(monkeypatch, "monitoring.rehearse", rehearse, world.workspace)
    assert len(world.session.sql(asked.served).collect()) == 2
    world.rows("UPDATE {db}.SERVING.SCORED SET MODEL_VERSION = IFF(ID < 3, 'A', 'B')")
