"""A report of a real run, made of what is stored: of the version that passed, and of one that was refused."""

import re
from pathlib import Path

import pytest
from snowflake.snowpark import Session
from typer.testing import CliRunner

from snowloop.cli import connections, main
from snowloop.errors import GateRefused, ReportError
from snowloop.lifecycle.gate.gate import decide
from snowloop.lifecycle.report import publish_report, write_report
from snowloop.lifecycle.report.collect import collect
from snowloop.project import load_project
from snowloop.workspace import Workspace
from tests.support.world import World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def world(session: Session) -> World:
    made = World(session, load_project("diabetes_progression"), "report")
    made.promote_first()
    return made


def refuse(world: World) -> str:
    """The id of a verdict that refuses: the bound is moved to where no candidate comes."""
    metric = world.project.metric.model_copy(update={"at_most": 1.0})
    strict = world.project.model_copy(update={"metric": metric})
    with pytest.raises(GateRefused) as caught:
        decide(Workspace(world.session, strict, world.target), world.results["evaluations"])
    return caught.value.verdict_id


def test_a_card_holds_what_was_measured_and_where_it_came_from(world: World):
    verdict, training_set = world.results["verdict"], world.results["training_set"]
    card = collect(world.workspace)
    assert (card.verdict.verdict_id, card.verdict.outcome) == (verdict.verdict_id, "passed")
    assert [check.name for check in card.verdict.checks] == [check.name for check in verdict.checks]
    (chosen,) = [e for e in world.results["evaluations"] if e.evaluation_id == verdict.evaluation_id]
    evaluation = card.evaluation
    assert evaluation
    assert evaluation.metrics[0].values["candidate"] == chosen.metrics["rmse"]
    assert evaluation.metrics[0].values["simple"] == chosen.baselines["simple"]["rmse"]
    assert evaluation.interval == chosen.interval
    assert evaluation.differences == chosen.differences
    assert set(evaluation.slices) == set(chosen.slices)
    assert dict(evaluation.importance) == chosen.importance
    assert len(evaluation.bins) == len(chosen.calibration.bins)
    assert evaluation.cost == chosen.cost
    assert sum(evaluation.curves["residuals"]["counts"]) == training_set.holdout_rows
    history = "SELECT QUERY_TEXT FROM TABLE({db}.INFORMATION_SCHEMA.QUERY_HISTORY(RESULT_LIMIT => 10000)) "
    called = world.rows(f"{history} WHERE QUERY_ID = '{evaluation.settings['query_id']}'")
    assert re.match(r"CALL .*EVALUATE_", called[0][0])
    assert card.data
    assert {part.held_out: part.rows for part in card.data.parts} == {
        False: training_set.rows - training_set.holdout_rows,
        True: training_set.holdout_rows,
    }
    assert [load.source for load in card.data.loads] == ["PATIENT"]
    assert card.data.loads[0].query_id
    assert {feature.name for feature in card.features} == {feature.name for feature in training_set.features}
    assert all(feature.alone is not None for feature in card.features)
    assert card.version_facts["packages"] == list(world.project.packages)


def test_a_refused_version_has_a_report_that_says_why(world: World, tmp_path: Path):
    verdict_id = refuse(world)
    made = write_report(world.workspace, tmp_path / "out", verdict_id=verdict_id)
    assert made.outcome == "refused"
    text = Path(made.markdown).read_text()
    assert text.splitlines()[0].endswith("❌ was refused by the gate")
    assert "❌ | BOUND" in text
    assert "declared is at most 1" in Path(made.html).read_text()


def test_published_files_are_on_the_stage_and_the_same_each_time(world: World, tmp_path: Path):
    verdict_id = world.results["verdict"].verdict_id
    made = [publish_report(world.workspace, verdict_id=verdict_id) for _ in range(2)]
    assert made[0] == made[1]
    assert made[0].html == f"@{world.database}.OPS.REPORTS/{verdict_id}/report.html"
    world.session.file.get(made[0].html, str(tmp_path))
    world.session.file.get(made[0].markdown, str(tmp_path))
    local = write_report(world.workspace, tmp_path / "local", verdict_id=verdict_id)
    for name, path in (("report.html", local.html), ("report.md", local.markdown)):
        assert (tmp_path / name).read_bytes() == Path(path).read_bytes()
    assert made[0].text == local.text == (tmp_path / "report.md").read_text()


def test_a_training_set_that_is_gone_leaves_a_report_without_it(world: World):
    project = world.project
    with_parts = collect(Workspace(world.session, project, world.target))
    table = f'"{world.database}"."FEATURES"."{with_parts.data.table if with_parts.data else ""}"'
    world.session.sql(f'ALTER TABLE {table} RENAME TO {table[:-1]}_AWAY"').collect()
    try:
        card = collect(Workspace(world.session, project, world.target))
        assert card.data
        assert card.data.parts == ()
        assert card.data.rows == world.results["training_set"].rows
    finally:
        world.session.sql(f'ALTER TABLE {table[:-1]}_AWAY" RENAME TO {table}').collect()


def test_what_is_not_there_is_named(world: World):
    given = world.workspace
    with pytest.raises(ReportError, match=r"no verdict nonsense in DIABETES_PROGRESSION_REPORT.OPS.VERDICTS"):
        collect(given, verdict_id="nonsense")
    with pytest.raises(ReportError, match=r"no verdict on version V9 in DIABETES.*run the training DAG"):
        collect(given, version="V9")


def test_the_command_writes_both_files_and_says_where(
    world: World, snowflake_connection: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name, value in snowflake_connection.items():
        if name.upper() in connections.SETTINGS:
            monkeypatch.setenv(f"SNOWFLAKE_{name.upper()}", str(value))
    version = world.results["verdict"].version_name
    asked = ["report", "--project", world.project.name, "--target", world.target, "--out", str(tmp_path / "card")]
    ran = CliRunner().invoke(main.app, [*asked, "--version", version])
    assert ran.exit_code == 0, ran.output
    assert ran.output.splitlines()[1:] == [str(tmp_path / "card" / name) for name in ("report.html", "report.md")]
    assert version in (tmp_path / "card" / "report.md").read_text()
    ran = CliRunner().invoke(main.app, [*asked, "--version", version, "--verdict", "x"])
    assert (ran.exit_code, "not both" in ran.output) == (1, True)
