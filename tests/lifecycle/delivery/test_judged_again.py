"""The version that serves is judged again when bounds change: nothing is trained, and one that fails serves on."""

from collections.abc import Iterator
from typing import Any

import pytest

from snowloop.errors import GateRefused
from snowloop.lifecycle.champion import ledger
from snowloop.lifecycle.delivery.deliver import promote_from
from snowloop.lifecycle.fingerprints import change_kind, record_fingerprints, recorded_fingerprints
from snowloop.lifecycle.gate.gate import decide
from snowloop.lifecycle.gate.verdict import Verdict
from snowloop.lifecycle.monitoring import judged_again
from snowloop.lifecycle.monitoring.alert_store import list_alerts
from snowloop.lifecycle.monitoring.judged_again import JudgedAgain, judge_again
from snowloop.lifecycle.versions import Version, champion
from snowloop.project import Project
from snowloop.workspace import Workspace
from tests.support.copies import Copies
from tests.support.world import World


@pytest.fixture
def served(staging: Copies, monkeypatch: pytest.MonkeyPatch) -> Iterator[Copies]:
    """GOOD serves, as declared; its figures are made up: 0.7."""

    def judge(given: Workspace, version: Version) -> Verdict:
        assert given.project is staging.project
        return decide(given, [staging.evaluation(version.name)])

    monkeypatch.setattr(judged_again, "judge_version", judge)
    declared = staging.project
    record_fingerprints(staging.workspace, "trained", "judged", "deployed")
    yield staging
    staging.project = declared
    staging.promote("GOOD")


def at_least(project: Project, bound: float) -> dict[str, Any]:
    return {"metric": project.metric.model_copy(update={"at_least": bound})}


def signals(world: World) -> dict[str, str]:
    return {alert.signal: alert.state for alert in list_alerts(world.workspace, closed=True).alerts}


def ask(world: World) -> JudgedAgain:
    return judge_again(world.workspace, if_needed=True)


def test_it_is_judged_by_the_new_bound_and_no_statement_trains(served: Copies, prod: World):
    assert (ask(served).outcome, ask(served).reason) == ("not asked", "kind of change: none")
    served.declare(**at_least(served.project, 0.65))
    entries = len(ledger.entries(served.workspace))
    with served.session.query_history() as history:
        passed = ask(served)
    assert [query.sql_text for query in history.queries if "TRAIN_" in query.sql_text] == []
    assert (passed.version, passed.outcome, passed.serves) == ("GOOD", "passed", "GOOD")
    (entry,) = ledger.entries(served.workspace)[entries:]
    assert (entry.action, entry.from_version, entry.to_version) == ("judge", "GOOD", "GOOD")
    assert entry.verdict_id == passed.verdict_id
    assert ask(served).outcome == "not asked"

    served.declare(**at_least(served.project, 0.75))
    for _ in range(2):  # it is asked again until it passes, and is one entry and one alert
        failed = ask(served)
        assert (failed.outcome, failed.serves) == ("failed", "GOOD")
        assert "roc_auc is 0.7000, declared is at least 0.75" in failed.reason
    assert [each.action for each in ledger.entries(served.workspace)[entries:]] == ["judge", "judge"]
    assert signals(served) == {"judged again": "open"}
    assert champion(served.workspace).name == served.serving == "GOOD", "nobody took it away"  # type: ignore[union-attr]
    with pytest.raises(GateRefused, match="GOOD is not promoted from lab_staging: judged again, it fails: the gate"):
        promote_from(served.workspace, prod.workspace)

    served.declare(**at_least(served.project, 0.7))
    assert ask(served).outcome == "passed"
    assert signals(served) == {"judged again": "closed"}
    assert ledger.recorded_champion(ledger.entries(served.workspace)) == "GOOD"


@pytest.mark.slow
def test_a_version_that_its_source_judged_by_other_bounds_is_to_be_judged_where_it_arrives(served: Copies, prod: World):
    def kind() -> str:
        return change_kind(prod.project, recorded_fingerprints(prod.workspace)).kind

    served.declare(**at_least(served.project, 0.65))
    prod.project = served.project.in_target("lab_prod")
    record_fingerprints(prod.workspace, "deployed")
    assert promote_from(served.workspace, prod.workspace).version_name == "GOOD"
    assert kind() == "judge", "GOOD was judged by at least 0.5"
    assert ask(served).outcome == "passed"
    assert promote_from(served.workspace, prod.workspace).kept
    assert kind() == "none"


def test_one_that_fails_is_rolled_back_where_that_is_declared(served: Copies):
    served.promote("BETTER")
    served.declare(champion=served.project.champion.model_copy(update={"fails_again": "roll_back"}))
    served.declare(**at_least(served.project, 0.75))
    done = ask(served)
    assert (done.version, done.outcome, done.serves) == ("BETTER", "failed", "GOOD")
    assert served.serving == "GOOD"
    assert [each.action for each in ledger.entries(served.workspace)[-2:]] == ["judge", "rollback"]


def test_a_contract_that_the_rows_break_fails_without_a_verdict(served: Copies):
    served.rows("UPDATE {db}.RAW.EVENTS SET X = -5 WHERE ID = 3")
    done = judge_again(served.workspace)
    served.rows("UPDATE {db}.RAW.EVENTS SET X = 3 WHERE ID = 3")
    assert (done.outcome, done.verdict_id) == ("failed", "")
    assert "X must be" in done.reason


def test_where_nothing_serves_nothing_is_judged(prod: World):
    done = ask(prod)
    assert (done.version, done.outcome, done.reason) == (None, "not asked", "no version serves in lab_prod")
