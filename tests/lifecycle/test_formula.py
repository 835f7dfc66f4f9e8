"""A version is measured and scores with the features.sql that it was trained with, whatever the project has now.

The features of both texts have the same names and types. With the tag -4, which no training row has, features.sql gives
a row the key of the row before: one key is lost, one repeats, and the counts agree.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from snowflake.snowpark.exceptions import SnowparkSQLException

from local_snowflake.testing import LocalSnowflake
from snowloop.errors import ChallengeRefused, PlanRefused, RollbackError, ScoringError, TrainingError
from snowloop.lifecycle.champion.challenger import challenge, judge_version
from snowloop.lifecycle.champion.promote import promote
from snowloop.lifecycle.delivery.roll_back import roll_back
from snowloop.lifecycle.evaluation.evaluate import Evaluation, evaluate
from snowloop.lifecycle.evaluation.rivals import rival_rows
from snowloop.lifecycle.features.training_set import build_training_set
from snowloop.lifecycle.gate.gate import decide
from snowloop.lifecycle.scoring import await_scores, reconcile
from snowloop.lifecycle.scoring.apply import Deployment
from snowloop.lifecycle.scoring.plan import plan_scoring
from snowloop.lifecycle.scoring.reprocess.backfill import Rows, backfill
from snowloop.lifecycle.scoring.reprocess.recover import recover_loop
from snowloop.lifecycle.scoring.reprocess.requeue import requeue
from snowloop.lifecycle.training.train import train_candidate
from snowloop.lifecycle.versions import champion, set_champion, versions
from snowloop.project import Challenger
from tests.support import tiny
from tests.support.duel import declare
from tests.support.dying import Interrupted, KilledError
from tests.support.trial import ANY_MODEL, Trial

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

OLD = "SELECT IFF(TAG = -4, ID - 1, ID) AS ID, X, Y, IFF(KIND = 'A', X, 0) AS X_OF_A FROM {{ source }}\n"
NEW = OLD.replace(" X, Y", " 1000 - X AS X, Y")
EMPTIED = "CREATE OR REPLACE STREAM {db}.RAW.EVENTS_STREAM ON TABLE {db}.RAW.EVENTS APPEND_ONLY = TRUE"
LINES = "-SELECT IFF(TAG = -4, ID - 1, ID) AS ID, X, Y, "


@pytest.fixture(scope="module")
def trial(local_snowflake: LocalSnowflake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    """A champion that serves, trained with OLD; NEW is in the project, and a version was trained with it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(tiny.PROJECT, "features.sql", OLD)
        made = Trial(tmp_path_factory.mktemp("formula"), 1, local_snowflake, "formula")
    made.train(made.world.prepare(), "loose")
    made.promote("loose")
    made.deploy()
    rest(made)
    write(made, NEW)
    candidate = train_candidate(made.workspace, build_training_set(made.workspace), "loose")
    made.world.results["measured"] = evaluate(made.workspace, candidate)
    yield made
    made.world.session.close()


@pytest.fixture(autouse=True)
def as_it_was(trial: Trial) -> Iterator[None]:
    """The first version serves, and NEW is in the project."""
    yield
    write(trial, NEW)
    set_champion(trial.workspace, trial.verdicts["loose"].version_name)
    trial.deploy()
    rest(trial)


def write(trial: Trial, text: str) -> None:
    (trial.project.directory / "features.sql").write_text(text)


def rest(trial: Trial) -> None:
    """The tests call the procedure themselves."""
    trial.world.rows("ALTER TASK {db}.SERVING.SCORE_NEW_ROWS SUSPEND")


def call(trial: Trial) -> dict[str, int]:
    done: dict[str, int] = json.loads(trial.world.value(f"CALL {trial.world.results['deployment'].procedure}()"))
    return done


def measured(trial: Trial) -> Evaluation:
    found: Evaluation = trial.world.results["measured"]
    return found


def new_version(trial: Trial) -> str:
    return measured(trial).candidate.version_name


def scored(trial: Trial, run_id: str) -> dict[int | None, tuple[str, Any]]:
    """Version and the feature X by key."""
    rows = trial.world.rows(
        f"SELECT ID, MODEL_VERSION, FEATURES:X::FLOAT AS X FROM {{db}}.SERVING.SCORED WHERE RUN_ID = '{run_id}'"
    )
    return {row["ID"]: (row["MODEL_VERSION"], pytest.approx(row["X"])) for row in rows}


def test_an_edit_that_was_not_promoted_changes_nothing_that_serves(trial: Trial):
    plan = plan_scoring(trial.workspace)
    assert [step for step in plan.steps if "procedure" in str(step).lower()] == []
    shown = next(change for change in plan.changes if change.kind == "features")
    assert shown.action == "keep"
    assert LINES in shown.remedy
    before = trial.world.results["deployment"].procedure
    trial.deploy()
    assert trial.world.results["deployment"].procedure == before
    write(trial, "SELECT {{ as_of('nothing') }} FROM {{ source }}")
    trial.deploy()
    rest(trial)
    (event,) = events = trial.events(1)
    trial.insert(events)
    assert scored(trial, str(call(trial)["run_id"])) == {event.key: (trial.verdicts["loose"].version_name, event.x)}


def test_the_champion_is_measured_with_its_own_features(trial: Trial):
    """Of rows that both texts keep, the old version gets the very figures that it got with its own training set."""
    evaluation = measured(trial)
    assert evaluation.champion == trial.verdicts["loose"].version_name
    assert evaluation.same_rows
    own = next(each for each in versions(trial.workspace) if each.name == evaluation.champion)
    assert evaluation.champion_metrics["roc_auc"] == pytest.approx(own.metrics["roc_auc"], abs=1e-12)
    assert evaluation.metrics["roc_auc"] == pytest.approx(own.metrics["roc_auc"], abs=1e-3)


def test_a_champion_that_cannot_see_the_rows_says_why(trial: Trial):
    now = champion(trial.workspace)
    assert now
    fingerprint = now.facts["training_set"]
    where = f"{{db}}.OPS.TRAINING_SETS SET FEATURES_SQL = %s WHERE FINGERPRINT = '{fingerprint}'"
    text = trial.world.value(f"SELECT FEATURES_SQL FROM {{db}}.OPS.TRAINING_SETS WHERE FINGERPRINT = '{fingerprint}'")
    trial.world.rows("UPDATE " + where % "'SELECT ID, X FROM T'")
    try:
        evaluation = evaluate(trial.workspace, measured(trial).candidate)
        assert not evaluation.same_rows
        assert "was trained with was changed" in str(evaluation.champion_unmeasured)
        with pytest.raises(PlanRefused, match=r"was trained with was changed.*restore that row, or train"):
            trial.deploy()
        with pytest.raises(ScoringError, match="was trained with was changed"):
            requeue(trial.workspace)
    finally:
        trial.world.rows("UPDATE " + where % f"$${text}$$")


def test_a_promoted_version_scores_with_its_own_features_once_they_are_deployed(trial: Trial):
    decide(trial.workspace, [measured(trial)], override=ANY_MODEL)
    set_champion(trial.workspace, new_version(trial))
    (event,) = events = trial.events(1)
    trial.insert(events)
    with pytest.raises(SnowparkSQLException, match="was trained with another") as refused:
        call(trial)
    assert LINES.replace("-SELECT", "+SELECT") in str(refused.value)
    assert trial.world.value(f"SELECT COUNT(*) FROM {{db}}.SERVING.SCORED WHERE ID = {event.key}") == 0
    trial.deploy()  # its task may score the row at once
    await_scores(trial.workspace, timeout=60)
    rest(trial)
    run_id = trial.world.value(f"SELECT RUN_ID FROM {{db}}.SERVING.SCORED WHERE ID = {event.key}")
    assert scored(trial, run_id) == {event.key: (new_version(trial), 1000 - event.x)}
    # the version before, scored by hand, sees the features of its own text
    rows = Rows(first_key=event.key, last_key=event.key)
    again = backfill(trial.workspace, version=trial.verdicts["loose"].version_name, rows=rows)
    assert scored(trial, again.run_id) == {event.key: (trial.verdicts["loose"].version_name, event.x)}


def test_a_version_of_another_text_is_neither_challenger_nor_judged_by_rows_of_this_one(trial: Trial):
    workspace = replace(trial.workspace, project=declare(trial.project, mode="shadow"))
    assert isinstance(workspace.project.serving.challenger, Challenger)
    with pytest.raises(ChallengeRefused, match=r"another features\.sql than that of the champion: name") as refused:
        challenge(workspace, version=new_version(trial), reason="it may be better")
    assert LINES.replace("-SELECT", "+SELECT") in str(refused.value)
    now = champion(workspace)
    assert now
    with pytest.raises(ScoringError, match=r"another features\.sql than that of the project: put that") as other:
        judge_version(workspace, now)
    assert LINES in str(other.value)


def the_new_version_serves(trial: Trial) -> None:
    promote(trial.workspace, decide(trial.workspace, [measured(trial)], override=ANY_MODEL))
    trial.deploy()
    rest(trial)


def test_the_way_back_deploys_the_kept_text_of_its_time(trial: Trial):
    before = trial.verdicts["loose"].version_name
    the_new_version_serves(trial)
    events = trial.events(2)
    trial.insert(events[:1])
    assert scored(trial, str(call(trial)["run_id"]))[events[0].key] == (new_version(trial), 1000 - events[0].x)
    done = roll_back(trial.workspace, reason="odd scores")
    rest(trial)
    assert (done.to_version, done.features_changed, done.deployed > 0) == (before, True, True)
    assert f"{before} scores with its own features.sql, and the checkout has another one" in done.note
    trial.insert(events[1:])
    again = plan_scoring(trial.workspace)
    assert [each.kind for each in again.changes if each.action not in ("keep", "resume")] == []
    assert LINES in next(each.remedy for each in again.changes if each.kind == "features")
    trial.world.results["deployment"] = Deployment(again.procedure, {})
    assert scored(trial, str(call(trial)["run_id"]))[events[1].key] == (before, events[1].x)
    assert reconcile(trial.workspace).pending == 0


def test_a_way_back_that_is_killed_before_the_loop_is_deployed_is_completed(trial: Trial):
    before = trial.verdicts["loose"].version_name
    the_new_version_serves(trial)
    dying: Any = Interrupted(trial.world.session, "ALTER TASK", killed)
    with pytest.raises(KilledError):
        roll_back(replace(trial.workspace, session=dying))
    assert champion(trial.workspace).name == before  # type: ignore[union-attr]
    assert roll_back(trial.workspace, version=before).deployed
    assert plan_scoring(trial.workspace).nothing_to_do


def killed() -> None:
    raise KilledError


def test_a_way_back_from_a_version_that_was_never_deployed_deploys_nothing(trial: Trial):
    promote(trial.workspace, decide(trial.workspace, [measured(trial)], override=ANY_MODEL))
    done = roll_back(trial.workspace)
    assert (done.to_version, done.deployed) == (trial.verdicts["loose"].version_name, 1)  # the task is resumed
    assert plan_scoring(trial.workspace).nothing_to_do


def test_a_way_back_deploys_nothing_else_along(trial: Trial):
    the_new_version_serves(trial)
    serving = trial.project.serving.model_copy(update={"schedule": "7 MINUTES"})
    other = trial.project.model_copy(update={"serving": serving})
    with pytest.raises(RollbackError, match=r"recreate task SERVING\.SCORE_NEW_ROWS.*git checkout .*snowloop rollback"):
        roll_back(replace(trial.workspace, project=other))
    assert champion(trial.workspace).name == new_version(trial)  # type: ignore[union-attr]


def test_there_is_no_way_back_to_a_text_that_was_changed(trial: Trial):
    the_new_version_serves(trial)
    before = next(each for each in versions(trial.workspace) if each.name == trial.verdicts["loose"].version_name)
    fingerprint = before.facts["training_set"]
    where = f"{{db}}.OPS.TRAINING_SETS SET FEATURES_SQL = %s WHERE FINGERPRINT = '{fingerprint}'"
    text = trial.world.value(f"SELECT FEATURES_SQL FROM {{db}}.OPS.TRAINING_SETS WHERE FINGERPRINT = '{fingerprint}'")
    trial.world.rows("UPDATE " + where % "'SELECT ID, X FROM T'")
    try:
        with pytest.raises(RollbackError, match="was trained with was changed"):
            roll_back(trial.workspace)
    finally:
        trial.world.rows("UPDATE " + where % f"$${text}$$")


def swapped(trial: Trial) -> tuple[int, int]:
    """Two rows arrive that get one key: the second one's is lost."""
    first, second = trial.events(2)
    trial.insert([first, replace(second, tag=-4)])
    assert first.key is not None
    return first.key, first.key + 1


def lost(first: int, second: int) -> str:
    return rf"key {first}: 2 results for 1 row; key {second}: no results for 1 row"


def test_a_lost_and_a_repeated_key_are_named_and_nothing_is_written(trial: Trial):
    first, second = swapped(trial)
    with pytest.raises(SnowparkSQLException, match=rf"of 2 new rows 0 were .* 2 scored \({lost(first, second)}\)"):
        call(trial)
    assert trial.world.value(f"SELECT COUNT(*) FROM {{db}}.SERVING.SCORED WHERE ID IN ({first}, {second})") == 0
    trial.world.rows(EMPTIED)
    with pytest.raises(ScoringError, match=rf"of 2 missed rows .* \({lost(first, second)}\)"):
        recover_loop(trial.workspace)
    trial.world.rows(f"UPDATE {{db}}.RAW.EVENTS SET TAG = {second} WHERE TAG = -4")
    trial.world.rows(EMPTIED)  # a recovery reads the source as it was at the stream's offset
    assert recover_loop(trial.workspace).scored == 2
    trial.world.rows(f"UPDATE {{db}}.RAW.EVENTS SET TAG = -4 WHERE ID = {second}")
    rows = Rows(first_key=first, last_key=second)
    with pytest.raises(ScoringError, match=rf"gave 2 scores, but not one for each row \({lost(first, second)}\)"):
        backfill(trial.workspace, rows=rows)
    trial.world.rows(f"UPDATE {{db}}.RAW.EVENTS SET TAG = {second} WHERE TAG = -4")
    assert backfill(trial.workspace, rows=rows).scored == 2
    assert reconcile(trial.workspace).pending == 0


def test_a_requeue_names_the_keys_that_it_would_lose(trial: Trial):
    first, second = trial.events(2)
    trial.insert([replace(each, y=None) for each in (first, second)])
    call(trial)
    trial.world.rows(f"UPDATE {{db}}.SERVING.QUARANTINE SET Y = 0 WHERE ID IN ({first.key}, {second.key})")
    trial.world.rows(f"UPDATE {{db}}.SERVING.QUARANTINE SET TAG = -4 WHERE ID = {second.key}")
    with pytest.raises(ScoringError, match=f"2 scores for 2 quarantined .*{lost(first.key or 0, second.key or 0)}"):
        requeue(trial.workspace)
    trial.world.rows(f"UPDATE {{db}}.SERVING.QUARANTINE SET TAG = {second.tag} WHERE TAG = -4")
    assert requeue(trial.workspace).requeued == 2


def test_a_training_set_is_not_built_of_features_that_leave_rows_out(trial: Trial):
    write(trial, OLD.replace("{{ source }}", "{{ source }} WHERE ID NOT BETWEEN 7 AND 9"))
    with pytest.raises(TrainingError, match=r"key 7: no results for 1 row; key 8: .*; key 9: no results for 1 row"):
        build_training_set(trial.workspace)
    write(trial, OLD.replace("{{ source }}", "{{ source }} UNION ALL " + OLD.strip() + " WHERE ID = 7"))
    with pytest.raises(TrainingError, match="key 7: 2 results for 1 row"):
        build_training_set(trial.workspace)


def test_a_champion_that_reads_a_column_which_is_declared_no_longer_is_not_deployed_for(trial: Trial):
    """The table still has the column, and the statements of a run would not."""
    streamed = trial.project.streamed
    columns = {name: column for name, column in streamed.columns.items() if name != "KIND"}
    sources = {**trial.project.sources, "events": streamed.model_copy(update={"columns": columns})}
    workspace = replace(trial.workspace, project=trial.project.model_copy(update={"sources": sources}))
    (refused,) = plan_scoring(workspace).refused
    assert "features.sql that the champion was trained with: Snowflake cannot compile" in refused.reason
    assert "train and promote a version with a features.sql that can read them" in refused.remedy
    training_set = measured(trial).candidate.training_set
    now = champion(workspace)
    assert now
    found = rival_rows(workspace, now, training_set, training_set.table)
    assert found.rows is None
    assert "was trained with: Snowflake cannot compile the query" in str(found.unmeasured)
