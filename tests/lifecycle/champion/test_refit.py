"""`refit: all`: what the gate let pass is trained on all labelled rows and serves; the judged version is kept."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from snowflake.snowpark import Session

from snowloop.errors import GateRefused
from snowloop.lifecycle.champion import ledger
from snowloop.lifecycle.champion.challenger import judge_version
from snowloop.lifecycle.champion.promote import promote
from snowloop.lifecycle.champion.rollback import rollback
from snowloop.lifecycle.debugging.explain import explain_row
from snowloop.lifecycle.features.training_set import TrainingSet, build_training_set
from snowloop.lifecycle.gate.gate import record_verdict
from snowloop.lifecycle.gate.refit import refit
from snowloop.lifecycle.gate.verdict import Verdict
from snowloop.lifecycle.model_files import recorded_files
from snowloop.lifecycle.monitoring.rehearse import rehearse
from snowloop.lifecycle.report.collect import collect
from snowloop.lifecycle.report.render import markdown
from snowloop.lifecycle.scoring.status import loop_status
from snowloop.lifecycle.training.refit import refit_name
from snowloop.lifecycle.versions import champion, versions
from snowloop.project import Project, load_project
from snowloop.workspace import Workspace
from tests.support import duel
from tests.support.dying import Dying, KilledError
from tests.support.world import World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def project(folder: Path) -> Project:
    duel.duel(folder)
    declared = folder / "duel" / "project.yaml"
    text = declared.read_text()
    begins, ends = text.index("candidates:\n"), text.index("packages:")
    declared.write_text(
        f"{text[:begins]}candidates:\n  - {{name: good, params: {{kind: good}}}}\nrefit: all\n{text[ends:]}"
    )
    return load_project("duel", folder)


@pytest.fixture(scope="module")
def world(session: Session, tmp_path_factory: pytest.TempPathFactory) -> World:
    """The first champion: a candidate that was judged, and then trained on all rows."""
    folder = tmp_path_factory.mktemp("refit")
    (folder / "data").mkdir()
    made = World(session, project(folder / "projects"), "refitted", duel.data(folder / "data"))
    training_set = made.prepare()
    judged = made.judge(training_set)
    made.results = {"judged": judged.version_name, "first": refit(made.workspace, judged, training_set)}
    promote(made.workspace, made.results["first"])
    return made


def refused(world: World, judged: Verdict, training_set: TrainingSet) -> None:
    """A version that was trained on all rows and is too large is not promoted, and the champion stays."""
    before, entries = champion(world.workspace), ledger.entries(world.workspace)
    gate = world.project.gate.model_copy(update={"max_model_bytes": 1})
    small = replace(world.workspace, project=world.project.model_copy(update={"gate": gate}))
    with pytest.raises(GateRefused, match=r"_REFIT is not promoted in place of .*the size of the model") as caught:
        refit(small, judged, training_set)
    row = world.rows(f"SELECT * FROM {{db}}.OPS.VERDICTS WHERE VERDICT_ID = '{caught.value.verdict_id}'")[0]
    assert row["JUDGED_VERSION"] == judged.version_name
    assert (champion(world.workspace), ledger.entries(world.workspace)) == (before, entries)


def checks(world: World, verdict: Verdict) -> dict[str, Any]:
    rows = world.rows(f"SELECT * FROM {{db}}.OPS.VERDICTS WHERE VERDICT_ID = '{verdict.verdict_id}'")
    return {row["CHECK_NAME"]: row for row in rows}


def test_the_version_that_serves_was_fitted_on_every_labelled_row(world: World):
    now, judged = champion(world.workspace), world.results["judged"]
    assert now is not None
    assert (now.name, now.refit_of, now.judged_as) == (refit_name(judged), judged, judged)
    assert now.metrics == {"train_rows": duel.TRAINED, "holdout_rows": 0, "support": 0}
    kept = next(each for each in versions(world.workspace) if each.name == judged)
    assert kept.metrics["holdout_rows"] > 0
    assert now.held_out_metrics == kept.metrics
    every = [duel.event(key) for key in range(1, duel.TRAINED + 1)]
    frame = pd.DataFrame(every, columns=["ID", "X", "Y", "ANSWER"])
    alone = LogisticRegression().fit(frame[["X", "Y"]], frame["ANSWER"]).predict_proba(frame[["X", "Y"]])[:, 1]
    served = duel.fresh(world, now.name, every)
    assert max(abs(served[key] - score) for key, score in zip(frame["ID"], alone, strict=True)) < 1e-6
    before = duel.fresh(world, judged, every)
    assert max(abs(served[key] - before[key]) for key in served) > 1e-4


def test_figures_of_held_out_rows_are_those_of_the_judged_version_and_say_so(world: World):
    judged, verdict = world.results["judged"], world.results["first"]
    rows = checks(world, verdict)
    assert {row["MODEL_VERSION"] for row in rows.values()} == {refit_name(judged)}
    assert {row["JUDGED_VERSION"] for row in rows.values()} == {judged}
    assert rows["BOUND"]["REASON"].startswith(f"of {judged}: roc_auc is ")
    for asked in ("SKEW", "ROBUST", "SIZE", "LATENCY"):
        assert rows[asked]["PASSED"]
        assert judged not in rows[asked]["REASON"]
    assert f"figures on held-out rows are those of {judged}" in rows["REFIT"]["REASON"]
    measured = "SELECT COUNT(*) FROM {db}.OPS.EVALUATIONS WHERE MODEL_VERSION = "
    assert world.value(f"{measured}'{verdict.version_name}'") == 0
    assert world.value(f"{measured}'{judged}'") > 0
    text = markdown(collect(world.workspace, version=verdict.version_name))
    assert (
        f"Trained on all labelled rows; the figures on held-out rows are those of {judged}, which was judged." in text
    )
    bins = "SELECT BIN, N FROM {db}.OPS.BASELINES WHERE MODEL_VERSION = "
    assert sorted(world.rows(f"{bins}'{judged}'")) == sorted(world.rows(f"{bins}'{verdict.version_name}'"))


def test_the_ledger_names_both_versions(world: World):
    entry = next(each for each in ledger.entries(world.workspace) if each.action == ledger.PROMOTE)
    assert (entry.to_version, entry.judged_version) == (refit_name(world.results["judged"]), world.results["judged"])
    assert entry.verdict_id == world.results["first"].verdict_id


def test_training_again_on_the_same_rows_changes_nothing(world: World):
    count = "SELECT COUNT(DISTINCT VERDICT_ID) FROM {db}.OPS.VERDICTS WHERE JUDGED_VERSION IS NOT NULL"
    entries, names = ledger.entries(world.workspace), {each.name for each in versions(world.workspace)}
    before, training_set = world.value(count), build_training_set(world.workspace)
    judged = world.judge(training_set)
    for _ in range(2):  # now against this champion; tried again it is the same decision
        verdict = refit(world.workspace, judged, training_set)
        assert verdict.kept
        assert promote(world.workspace, verdict).kept
        assert world.value(count) == before + 1
    other_bits = [replace(each, value=1e-17) if each.name == "SKEW" else each for each in verdict.checks]
    again = record_verdict(world.workspace, replace(verdict, checks=tuple(other_bits)), ())
    assert again.verdict_id == verdict.verdict_id, "the last bits of a score are no other decision"
    assert ledger.entries(world.workspace) == entries
    assert {each.name for each in versions(world.workspace)} == names
    asked = {check.name: check.reason for check in verdict.checks}
    same = f"{verdict.version_name}, the refit of {world.results['judged']}, is the champion already"
    assert same in asked["NOT_WORSE_THAN_CHAMPION"]
    assert "on these held-out rows since the last promotion" not in asked["TRAINED"]


def test_a_later_candidate_is_compared_with_the_judged_version_and_a_rollback_returns_the_refitted_one(world: World):
    """The champion has seen all held-out rows; the version that was judged has not."""
    first = champion(world.workspace)
    assert first is not None
    procedure = duel.deploy(world)
    events = duel.arriving(120)
    duel.insert(world, events)
    outcome = duel.call(world, procedure)
    assert outcome["scored"] == 120
    explained = explain_row(world.workspace, {"ID": str(events[0][0])})
    assert f"by {first.name} ({first.refit_of}, trained on all rows) at" in explained.text()
    assert f"trained on all rows, as {first.refit_of} was judged" in loop_status(world.workspace).text()
    duel.answer(world, events)
    training_set = build_training_set(world.workspace)
    judged = world.judge(training_set)
    refused(world, judged, training_set)
    verdict = refit(world.workspace, judged, training_set)
    promote(world.workspace, verdict)
    reason = checks(world, verdict)["NOT_WORSE_THAN_CHAMPION"]["REASON"]
    assert f"champion {first.name} (by {first.refit_of}, of which it is the refit) has 0." in reason
    assert "rows that trained it" not in reason
    now = champion(world.workspace)
    assert now is not None
    assert now.metrics["train_rows"] == duel.TRAINED + 120
    assert verdict.champion == first.name
    rehearsed = {check.name: check for check in rehearse(world.workspace).checks}
    assert rehearsed["TRAINING_REPRODUCED"].passed
    assert rollback(world.workspace).to_version == first.name
    assert loop_status(world.workspace).champion == first.name
    again = judge_version(world.workspace, now)
    assert (again.version_name, again.judged, again.champion) == (now.name, now.refit_of, first.name)
    promote(world.workspace, again)
    assert ledger.entries(world.workspace)[-1].judged_version == now.refit_of


def test_wherever_it_is_killed_nothing_is_promoted_and_the_same_call_completes_it(world: World):
    """The new version is logged, then its verdict is recorded: until then the champion before serves."""
    new = [duel.event(key) for key in range(20_001, 20_041)]
    duel.insert(world, new)
    duel.answer(world, new)
    training_set = build_training_set(world.workspace)
    verdict, before = world.judge(training_set), champion(world.workspace)
    name, at = refit_name(verdict.version_name), 0
    while True:
        at += 1
        killed = Workspace(Dying(world.session, at, sent=at % 2 == 0), world.project, world.target)  # type: ignore[arg-type]
        try:
            done = refit(killed, verdict, training_set)
        except KilledError:
            assert champion(world.workspace) == before
        else:
            break
    assert at > 8
    again = refit(world.workspace, verdict, training_set)
    assert again.verdict_id == done.verdict_id
    assert (again.version_name, again.judged) == (name, verdict.version_name)
    count = f"SELECT COUNT(DISTINCT VERDICT_ID) FROM {{db}}.OPS.VERDICTS WHERE MODEL_VERSION = '{name}'"
    assert world.value(count) == 1
    assert promote(world.workspace, again).version_name == name
    assert ledger.entries(world.workspace)[-1].files == recorded_files(world.workspace)[name]
