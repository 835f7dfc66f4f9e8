"""A plan that was saved: applied as it is, or refused with what has changed since."""

import json
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import snowloop.cli.options
from snowloop.cli.main import app
from snowloop.errors import DeploymentError, PlanRefused
from snowloop.lifecycle.deployment.plan import ENVIRONMENT
from snowloop.lifecycle.fingerprints import ChangeKind
from snowloop.lifecycle.procedure.code import package_archive
from snowloop.lifecycle.scoring.deployment import DeploymentPlan
from snowloop.lifecycle.scoring.plan import Plan, Upload, make_plan, plan_scoring
from snowloop.lifecycle.scoring.plan_file import check_unchanged, read_plan, save_plan
from snowloop.project import load_project
from tests.support.duel import declare, deploy
from tests.support.loops import deployed, desired, environment
from tests.support.world import World

PROJECT = load_project("credit_approval")


def planned(observed: Any, target: str = "dev") -> DeploymentPlan:
    return whole(make_plan(PROJECT, target, desired(PROJECT), observed))


def whole(loop: Plan) -> DeploymentPlan:
    """The plan of a loop in an environment that is as declared."""
    environment = Plan(loop.project, loop.target, "", (), (), ENVIRONMENT)
    database = PROJECT.database(loop.target)
    return DeploymentPlan(
        loop.project, loop.target, "HERE", database, "LOADER", ChangeKind((), "none"), environment, loop
    )


def loop(plan: DeploymentPlan) -> Plan:
    assert plan.loop
    return plan.loop


def saved(plan: DeploymentPlan, file: Path) -> DeploymentPlan:
    """As it comes back from its file."""
    save_plan(plan, file)
    return read_plan(file)


def test_a_saved_plan_is_the_same_plan_with_its_files(tmp_path: Path):
    plan = planned(environment(PROJECT))
    again = saved(plan, tmp_path / "plan.json")
    assert again == plan
    check_unchanged(again, planned(environment(PROJECT)))


def test_a_saved_plan_shows_what_is_uploaded_and_the_code_as_a_hash(tmp_path: Path):
    save_plan(planned(environment(PROJECT)), tmp_path / "plan.json")
    uploads = [
        step for step in json.loads((tmp_path / "plan.json").read_text())["loop"]["steps"] if step["kind"] == "upload"
    ]
    assert [(step["path"].rpartition("/")[2], step["sha256"]) for step in uploads] == [
        ("snowloop_procedures.zip", sha256(package_archive()).hexdigest()),
        ("scoring_request.json", sha256(desired(PROJECT).request.to_json().encode()).hexdigest()),
    ]
    assert "INSERT INTO" in uploads[1]["request"]["score_rows"]["text"]


def test_a_saved_plan_is_refused_with_other_code(tmp_path: Path):
    plan = planned(environment(PROJECT))
    upload, *others = loop(plan).steps
    assert isinstance(upload, Upload)
    other = replace(loop(plan), steps=(replace(upload, sha256="of other code"), *others))
    before = saved(whole(other), tmp_path / "plan.json")
    with pytest.raises(PlanRefused, match="other contents of files"):
        check_unchanged(before, plan)


@pytest.mark.parametrize(
    ("now", "says"),
    [
        (
            planned(deployed(PROJECT)),
            "stream RAW.APPLICATION_RECORD_STREAM: saved create (it does not exist), now",
        ),
        (planned(environment(PROJECT, champion=None)), "model MODELS.CREDIT_APPROVAL: saved nothing, now refuse"),
        (planned(environment(PROJECT), "prod"), "it was made for credit_approval in dev"),
        (
            whole(replace(loop(planned(environment(PROJECT))), steps=loop(planned(environment(PROJECT))).steps[:-1])),
            "the same objects, but other statements",
        ),
        (replace(planned(environment(PROJECT)), account="THERE"), "account: it was made for HERE, this is THERE"),
        (replace(planned(environment(PROJECT)), role="OTHER"), "role: it was made for LOADER, this is OTHER"),
        (
            replace(planned(environment(PROJECT)), database="OTHER"),
            "database: it was made for CREDIT_APPROVAL_DEV",
        ),
    ],
    ids=["deployed", "no champion", "another target", "other statements", "account", "role", "database"],
)
def test_what_has_changed_since_is_reported(tmp_path: Path, now: DeploymentPlan, says: str):
    before = saved(planned(environment(PROJECT)), tmp_path / "plan.json")
    with pytest.raises(PlanRefused) as refused:
        check_unchanged(before, now)
    assert says in str(refused.value)
    assert "save a new plan, look at it, and apply that" in str(refused.value)


def test_a_plan_that_was_edited_is_refused(tmp_path: Path):
    file = tmp_path / "plan.json"
    save_plan(planned(environment(PROJECT)), file)
    edited = json.loads(file.read_text())
    (upload,) = [step for step in edited["loop"]["steps"] if step.get("request")]
    upload["request"]["score_rows"]["text"] += " -- other statements"
    file.write_text(json.dumps(edited))
    with pytest.raises(PlanRefused, match="other contents of files"):
        check_unchanged(read_plan(file), planned(environment(PROJECT)))


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "No such file"), ("{", "Expecting property name"), ("{}", "its fields are not those of a plan")],
)
def test_a_file_without_a_plan_is_refused(tmp_path: Path, content: str | None, says: str):
    file = tmp_path / "plan.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(DeploymentError, match=says) as refused:
        read_plan(file)
    assert f"snowloop plan --out {file}" in str(refused.value)


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path):
    with pytest.raises(DeploymentError, match="name a file in a folder that exists"):
        save_plan(planned(environment(PROJECT)), tmp_path / "nowhere" / "plan.json")


@pytest.fixture
def command(
    duel_world: World, snowflake_connection: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    for name in ("account", "user", "password", "host", "port", "protocol"):
        monkeypatch.setenv(f"SNOWFLAKE_{name.upper()}", str(snowflake_connection[name]))
    monkeypatch.setattr(snowloop.cli.options, "load_project", lambda _name: duel_world.project)
    return lambda *words: CliRunner().invoke(app, [*words, "--project", "duel", "--target", duel_world.target])


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_command_applies_what_was_saved_once(duel_world: World, command: Callable[..., Any], tmp_path: Path):
    world, file = duel_world, str(tmp_path / "plan.json")
    deploy(world)
    world.project = declare(world.project, mode="canary", share=0.21)
    shown = command("plan", "--out", file)
    assert shown.exit_code == 0, shown.output
    assert shown.output == read_plan(Path(file)).text() + "\n"
    applied = command("apply", "--plan", file)
    assert applied.exit_code == 0, applied.output
    assert "recreated" in applied.output
    assert plan_scoring(world.workspace).nothing_to_do
    world.rows("ALTER TASK {db}.SERVING.SCORE_NEW_ROWS SUSPEND")
    refused = command("apply", "--plan", file)
    assert refused.exit_code == 2
    assert "task SERVING.SCORE_NEW_ROWS: saved recreate" in refused.output
    assert "now resume (it is suspended" in refused.output
    (task,) = world.rows("SHOW TASKS LIKE 'SCORE_NEW_ROWS' IN SCHEMA {db}.SERVING")
    assert task["state"] == "suspended"
