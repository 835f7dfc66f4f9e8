"""Asset events: what is changed, in which account and database, and nothing if nothing was changed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.sdk.execution_time.context import OutletEventAccessors

from snowloop.airflow.assets import asset_alias
from snowloop.airflow.operators.evidence import ProbationOperator
from snowloop.airflow.operators.stages import PromoteOperator, ReconcileOperator, RollbackOperator
from snowloop.checks import Check
from snowloop.identity import Identity
from snowloop.lifecycle.champion.promote import Promotion
from snowloop.lifecycle.champion.rollback import Rollback
from snowloop.lifecycle.gate.verdict import Override, Verdict
from snowloop.lifecycle.monitoring.probation import Followed, Probation
from snowloop.lifecycle.scoring.reconcile import Reconciliation

WHO = Identity("XY12345", "MYORG-PROD", "LOADER", None)
CHECKS = (Check.of("BOUND", passed=True, reason="good"), Check.of("SLICES", passed=False, reason="bad"))
VERDICT = Verdict("v1", "V2", "V1", "f1", CHECKS, kept=False, override=Override("ada", "why", ("SLICES",)))
PROMOTION = {
    "action": "promote",
    "version": "V2",
    "before": "V1",
    "verdict_id": "v1",
    "checks": "1 of 2 passed",
    "override": str(VERDICT.override),
}
ROLLED_BACK = {"action": "rollback", "version": "V1", "before": "V2"}
COUNTS = {"arrived": 8, "scored": 7, "quarantined": 1, "pending": 0}
MODEL, SCORED = ("model", "MODELS/CREDIT_APPROVAL"), ("scored", "SERVING/SCORED")


FOLLOW = "monitoring.probation.follow_probation"
PROBATION = Probation(3, "V2", "V1", "rolled_back", 0, "worse", datetime(2026, 1, 1, tzinfo=UTC))
PROMOTE = "champion.promote.promote"
CASES: list[tuple[Any, str, Any, tuple[str, ...], dict[str, Any] | None]] = [
    (PromoteOperator, PROMOTE, Promotion("V2", "V1", kept=False), MODEL, PROMOTION),
    (PromoteOperator, PROMOTE, Promotion("V2", "V1", kept=True), MODEL, None),
    (RollbackOperator, "delivery.roll_back.roll_back", Rollback("V2", "V1", "2026-01-01"), MODEL, ROLLED_BACK),
    (
        ProbationOperator,
        FOLLOW,
        Followed(PROBATION, rolled_back=True),
        MODEL,
        {**ROLLED_BACK, "reason": "worse"},
    ),
    (ProbationOperator, FOLLOW, Followed(PROBATION), MODEL, None),
    (ReconcileOperator, "scoring.reconcile", Reconciliation(10, 2, 7, 1, 0), SCORED, COUNTS),
]


@pytest.mark.usefixtures("session")
@pytest.mark.parametrize(("operator", "function", "result", "place", "extra"), CASES)
def test_what_a_task_changes_is_an_event_of_the_asset_in_its_account(
    context: Any, monkeypatch: pytest.MonkeyPatch, operator, function, result, place, extra
):
    monkeypatch.setattr(f"snowloop.lifecycle.{function}", lambda *_: result)
    monkeypatch.setattr(Identity, "of", lambda _session: WHO)
    context["outlet_events"] = OutletEventAccessors()
    options = {"verdict": VERDICT.to_dict()} if operator is PromoteOperator else {}
    task = operator(task_id="stage", project="credit_approval", target="prod", **options)
    alias = asset_alias("credit_approval", place[0])
    assert task.outlets == [alias]
    task.execute(context)
    events = context["outlet_events"][alias].asset_alias_events
    assert [each.extra for each in events] == ([] if extra is None else [extra])
    uri = f"snowflake://MYORG-PROD/CREDIT_APPROVAL_PROD/{place[1]}"
    assert {each.dest_asset_key.uri for each in events} <= {uri}
