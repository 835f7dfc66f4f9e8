"""The story of a delivery, played by the commands in a user's repository: from a branch to production, and back."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from snowflake.snowpark import Session
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from local_snowflake.testing import LocalSnowflake
from tests.repository.checkout import ROOT
from tests.support.repository import OF_NOISE, OF_X_AND_Y, Repository, connections
from tests.support.transcript import not_as_shown, shown

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

PATH = "## The whole path"


def trials(session: Session) -> list[str]:
    rows = session.sql("SHOW DATABASES").collect()
    return [row["name"] for row in rows if "_CI_" in row["name"]]


def until(condition: Any, seconds: int = 120) -> Any:
    """Wait until a function gives something."""
    return Retrying(
        retry=retry_if_result(lambda found: not found), stop=stop_after_delay(seconds), wait=wait_fixed(0.1)
    )(condition)


def champion(session: Session, target: str) -> dict[str, Any]:
    """Who serves in a target, by its alias and by the last entry of its ledger."""
    rows = session.sql(f"SHOW VERSIONS IN MODEL TINY_{target}.MODELS.TINY").collect()
    (serves,) = [row for row in rows if "CHAMPION" in json.loads(row["aliases"])]
    entry = session.sql(f"SELECT * FROM TINY_{target}.OPS.LEDGER ORDER BY ENTRY DESC LIMIT 1").collect()[0]
    assert entry["TO_VERSION"] == serves["name"]
    return {"name": serves["name"], "files": entry["FILES"], "from": entry["FROM_TARGET"]}


@pytest.fixture(scope="module")
def repository(session: Session, snowflake_connection: dict[str, Any], tmp_path_factory: pytest.TempPathFactory):
    """Staging and production serve the version of the first commit."""
    folder = tmp_path_factory.mktemp("story") / "repository"
    folder.mkdir()
    made = Repository(folder, snowflake_connection)
    made.create()
    for stage in ("environment", "load", "train", "apply"):
        made.snowloop(stage, "--target", "staging")
    for stage in ("environment", "load"):
        made.snowloop(stage, "--target", "prod")
    made.snowloop("promote", "--from", "staging", "--to", "prod")
    made.snowloop("apply", "--target", "prod")
    yield made
    for target in ("STAGING", "PROD"):
        session.sql(f"DROP DATABASE IF EXISTS TINY_{target}").collect()


@pytest.fixture
def main(repository: Repository) -> Iterator[Repository]:
    yield repository
    repository.git("checkout", "-q", "-f", "main")


def test_a_better_feature_goes_from_a_branch_to_production(main: Repository, session: Session):
    before = champion(session, "PROD")
    main.branch("better")
    main.write("features.sql", OF_X_AND_Y)
    main.commit("Y tells more")
    found, report = main.ci()
    assert (found["outcome"], found["change"]["kind"], found["asked"]) == ("passed", "retrain", "trained")
    assert found["serving"] == before["name"]
    assert found["difference"]["rows"] == 300
    assert found["difference"]["whole"]["flipped"] > 0
    assert report.startswith("### tiny against staging: the change ✅ may be merged\n")
    assert "| retrain | features.sql | changed |" in report
    assert "decisions flip" in report
    assert trials(session) == []
    assert champion(session, "STAGING")["name"] == before["name"], "nothing of the target is changed"

    main.merge("better")
    for stage in ("environment", "load"):
        main.snowloop(stage, "--target", "staging")
    for stage in ("train", "judge"):
        main.snowloop(stage, "--target", "staging", "--if-needed")
    main.snowloop("plan", "--target", "staging", "--out", "plan.json", "--sql", "plan.sql")
    main.snowloop("apply", "--target", "staging", "--plan", "plan.json")
    main.snowloop("smoke", "--target", "staging")
    for file in ("plan.json", "plan.sql"):
        (main.folder / file).unlink()
    assert champion(session, "STAGING")["name"] == found["version"], "the version that was judged on the branch"
    main.snowloop("status", "--target", "staging", "--exit-code")

    main.snowloop("promote", "--from", "staging", "--to", "prod")
    main.snowloop("apply", "--target", "prod")
    main.snowloop("smoke", "--target", "prod")
    serves = champion(session, "PROD")
    assert (serves["name"], serves["from"]) == (found["version"], "staging")
    main.snowloop("status", "--target", "prod", "--exit-code")
    made = [row["name"] for row in session.sql("SHOW PROCEDURES IN SCHEMA TINY_PROD.MODELS").collect()]
    assert [name for name in made if name.startswith("TRAIN_")] == [], "nothing was trained there"
    assert session.sql("SHOW TABLES LIKE 'TRAINING_SET_%' IN SCHEMA TINY_PROD.FEATURES").collect() == []


def test_trouble_in_production_ends_by_one_command(main: Repository, session: Session):
    before = champion(session, "PROD")
    main.branch("tuned")
    main.change("project.yaml", "c: 1.0", "c: 0.5")
    main.commit("a stronger penalty")
    main.merge("tuned")
    main.snowloop("train", "--target", "staging")
    main.snowloop("promote", "--from", "staging", "--to", "prod")
    assert champion(session, "PROD")["name"] == champion(session, "STAGING")["name"] != before["name"]
    main.snowloop("rollback", "--target", "prod", "--reason", "odd scores")
    assert champion(session, "PROD")["name"] == before["name"]
    main.snowloop("smoke", "--target", "prod")

    main.snowloop("rollback", "--target", "prod", "--reason", "still odd")
    first = champion(session, "PROD")
    assert first["name"] not in (before["name"], champion(session, "STAGING")["name"])
    main.snowloop("smoke", "--target", "prod")  # the loop computes the features that the first version takes
    assert "the project has another one" in main.snowloop("plan", "--target", "prod").out
    for command in (("promote", "--from", "staging", "--to", "prod"), ("apply", "--target", "prod")):
        main.snowloop(*command)


def test_a_worse_model_is_refused_and_ci_says_why(main: Repository, session: Session):
    main.branch("worse")
    main.write("features.sql", OF_NOISE)
    main.commit("noise")
    found, report = main.ci(code=2)
    assert found["outcome"] == "refused"
    assert "roc_auc is" in found["reasons"][0]
    assert report.startswith(
        "### tiny against staging: the change ❌ is refused\n\n❌ the gate of project tiny refuses"
    )
    assert "| ❌ | BOUND |" in report
    assert found["difference"]["whole"]["changed"] > 0.9, "it is shown also of a version that is refused"
    assert trials(session) == []


def test_a_broken_contract_is_refused_before_anything_is_trained(main: Repository):
    main.branch("contract")
    main.change("project.yaml", "min: 0, max: 1000", "min: 0, max: 50")
    main.commit("at most 50")
    found, report = main.ci(code=2)
    assert (found["change"]["kind"], found["asked"], found["version"]) == ("judge", "not asked", None)
    assert "X must be at most 50" in found["reasons"][0]
    assert "X must be at most 50" in report


def test_another_bound_is_judged_again_and_nothing_is_trained(main: Repository, session: Session):
    main.branch("bound")
    main.change("project.yaml", "at_least: 0.6", "at_least: 0.65")
    main.commit("a stricter bound")
    found, report = main.ci()
    assert (found["outcome"], found["change"]["kind"], found["asked"]) == ("passed", "judge", "judged again")
    assert found["version"] == found["serving"] == champion(session, "STAGING")["name"]
    assert "train and judge" not in [each["stage"] for each in found["cost"]["stages"]]
    (bound,) = [each for each in found["checks"] if each["name"] == "BOUND"]
    assert (bound["bound"], bound["outcome"]) == (0.65, "passed")
    assert "versions were judged again" in report

    main.merge("bound")
    assert main.snowloop("train", "--target", "staging", "--if-needed").out.startswith("not trained: kind of change: j")
    procedures = "SHOW PROCEDURES IN SCHEMA TINY_STAGING.MODELS"
    made = [row["name"] for row in session.sql(procedures).collect() if row["name"].startswith("TRAIN_")]
    judged = json.loads(main.snowloop("judge", "--target", "staging", "--if-needed", "--json").out)
    assert (judged["version"], judged["outcome"]) == (found["serving"], "passed")
    assert [row["name"] for row in session.sql(procedures).collect() if row["name"].startswith("TRAIN_")] == made
    entry = session.sql("SELECT * FROM TINY_STAGING.OPS.LEDGER ORDER BY ENTRY DESC LIMIT 1").collect()[0]
    assert (entry["ACTION"], entry["TO_VERSION"]) == ("judge", found["serving"])
    again = main.snowloop("judge", "--target", "staging", "--if-needed").out
    assert again == "not judged: kind of change: none\n"


def test_what_serves_is_not_touched_by_a_description(main: Repository):
    main.branch("words")
    main.change("project.yaml", "name: tiny\n", "name: tiny\ndescription: What is late?\n")
    main.commit("words")
    found, _ = main.ci()
    assert (found["outcome"], found["change"]["kind"], found["asked"]) == ("passed", "metadata", "not asked")
    assert [each["name"] for each in found["checks"]] == ["ROW"]


def test_a_change_by_hand_is_named(main: Repository, session: Session):
    session.sql("ALTER TABLE TINY_PROD.SERVING.SCORED ADD COLUMN NOTE VARCHAR").collect()
    told = main.snowloop("status", "--target", "prod", "--exit-code", code=3)
    assert "by hand      table SERVING.SCORED: column NOTE was added" in told.out
    session.sql("ALTER TABLE TINY_PROD.SERVING.SCORED DROP COLUMN NOTE").collect()


def test_a_command_for_dev_with_the_connection_of_production_is_refused(main: Repository):
    refused = main.snowloop("apply", "--target", "dev", code=2)
    assert "this connection is not target dev of" in refused.err
    assert "account LOCAL-DEV is declared, it is LOCAL-LOCAL" in refused.err


def test_what_a_killed_trial_leaves_is_swept(main: Repository, session: Session):
    trial = main.begin("ci", "--against", "staging", "--expires-in", "1 second")
    try:
        (left,) = until(lambda: trials(session))
    finally:
        trial.send_signal(signal.SIGKILL)
        trial.wait()
    assert trials(session) == [left]
    until(lambda: f"dropped {left}" in main.snowloop("ci", "--sweep").out)
    assert trials(session) == []


def test_another_account_serves_the_same_files(main: Repository, session: Session, tmp_path: Path):
    server = LocalSnowflake(tmp_path / "data", options=["--account", "other"]).start()
    try:
        file = main.folder.parent / "home" / "connections.toml"
        file.write_text(connections({"abroad": server.connection(), "staging": main.connection}))
        file.chmod(0o600)
        for stage in ("environment", "load"):
            main.snowloop(stage, "--target", "abroad")
        main.snowloop("promote", "--from", "staging", "--to", "abroad", "--from-connection", "staging")
        main.snowloop("apply", "--target", "abroad")
        main.snowloop("smoke", "--target", "abroad")
        other = Session.builder.configs(server.connection()).create()
        try:
            serves = champion(other, "ABROAD")
            made = [row["name"] for row in other.sql("SHOW PROCEDURES IN SCHEMA TINY_ABROAD.MODELS").collect()]
        finally:
            other.close()
        assert (serves["name"], serves["from"]) == (champion(session, "STAGING")["name"], "staging")
        assert [name for name in made if name.startswith("TRAIN_")] == []
    finally:
        server.stop()


def test_the_documentation_shows_what_the_commands_print(main: Repository):
    page = (ROOT / "docs" / "delivery.md").read_text(encoding="utf-8")
    path = list(shown(page, PATH))
    assert {each.command.split()[1] for each in path} >= {
        "ci",
        "train",
        "plan",
        "apply",
        "smoke",
        "promote",
        "rollback",
    }
    assert not_as_shown(main.ran, path) == []
