"""The smoke: whether what is deployed in a target works, without leaving anything behind."""

import pytest

from snowloop.lifecycle.delivery.smoke import Smoke, smoke
from snowloop.lifecycle.scoring import deploy_scoring
from snowloop.workspace import Workspace
from tests.support.copies import Copies
from tests.support.world import World


def outcomes(done: Smoke) -> dict[str, str]:
    return {check.name: check.outcome for check in done.checks}


@pytest.mark.slow
def test_each_part_of_a_target_is_asked(staging: Copies):
    given = staging.workspace
    before = smoke(given)
    assert outcomes(before) == {"ALIAS": "passed", "ROW": "passed", "LOOP": "failed", "READER": "passed"}
    assert "run snowloop apply --project tiny --target lab_staging" in before.failed[0].reason
    deploy_scoring(given)
    root = f"{staging.database}.SERVING.SCORE_NEW_ROWS"
    assert smoke(given).failed == ()
    staging.rows(f"ALTER TASK {root} SUSPEND")
    reader = f"{staging.database}_READER"
    staging.rows(f"REVOKE SELECT ON TABLE {{db}}.SERVING.SCORED FROM ROLE {reader}")
    stopped = smoke(given)
    assert outcomes(stopped) == {"ALIAS": "passed", "ROW": "passed", "LOOP": "failed", "READER": "failed"}
    assert "resume task SERVING.SCORE_NEW_ROWS" in stopped.text()
    assert "lacks SELECT on TINY_LAB_STAGING.SERVING.SCORED" in stopped.text()
    staging.alter("VERSION CHAMPION UNSET ALIAS")
    staging.alter("VERSION BETTER SET ALIAS = CHAMPION")
    assert outcomes(smoke(given))["ALIAS"] == "failed"


def test_nothing_serves_in_a_new_target(prod: World):
    done = smoke(Workspace(prod.session, prod.project, prod.target))
    assert outcomes(done) == {"ALIAS": "failed", "ROW": "not_asked", "LOOP": "failed", "READER": "passed"}
    assert "no version serves in lab_prod: promote one" in done.text()
