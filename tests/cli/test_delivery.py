"""The commands that bring a version into a target: what they call, what they print, and how they end."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from snowloop.checks import Check
from snowloop.cli.main import app
from snowloop.errors import TargetRefused
from snowloop.lifecycle.champion.promote import Promotion
from snowloop.lifecycle.delivery.smoke import Smoke
from snowloop.lifecycle.gate.verdict import Origin, Verdict
from snowloop.workspace import Workspace

BOUND = Check.of("BOUND", passed=True, reason="in staging: roc_auc is 0.8", value=0.8)
VERDICT = Verdict("id", "V1", None, "abc", (BOUND,), kept=False, origin=Origin("staging", "A-B", "v", "f" * 64))
PROMOTION = Promotion("V1", "V0", kept=False)


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, [*arguments, "-p", "credit_approval"])


@pytest.fixture
def delivered(opened: None, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    calls: list[Any] = []

    def deliver(source: Workspace, destination: Workspace, version: str | None) -> Verdict:
        calls.append((source.target, destination.target, version))
        return VERDICT

    def promote_challenger(workspace: Workspace) -> Promotion:
        calls.append(("challenger", workspace.target))
        return PROMOTION

    monkeypatch.setattr("snowloop.lifecycle.delivery.deliver.deliver", deliver)
    monkeypatch.setattr("snowloop.lifecycle.champion.promote.promote", lambda *_given: PROMOTION)
    monkeypatch.setattr("snowloop.lifecycle.champion.challenger.promote_challenger", promote_challenger)
    return calls


@pytest.mark.parametrize("option", ["--to", "--target", "-t"])
def test_a_version_of_another_target_is_promoted(delivered: list[Any], option: str):
    done = run("promote", "--from", "staging", option, "prod", "--version", "V1")
    assert done.exit_code == 0, done.output
    assert delivered == [("staging", "prod", "V1")]
    assert "BOUND                    passed     in staging: roc_auc is 0.8" in done.output
    assert "champion of prod: V1 from staging, before: V0\n" in done.output
    assert "next: snowloop apply --project credit_approval --target prod" in done.output


def test_json_has_verdict_and_promotion(delivered: list[Any]):
    done = json.loads(run("promote", "--from", "staging", "--to", "prod", "--json").output)
    assert done["verdict"]["origin"]["target"] == "staging"
    assert done["promotion"]["version_name"] == "V1"


def test_without_a_source_the_challenger_is_promoted(delivered: list[Any]):
    done = run("promote", "-t", "prod")
    assert (done.exit_code, done.output) == (0, "champion V1, before: V0\n")
    assert delivered == [("challenger", "prod")]
    refused = run("promote", "-t", "prod", "--version", "V1")
    assert refused.exit_code == 1
    assert "--version and --from-connection are for --from" in refused.output


def test_a_target_is_no_source_of_itself(delivered: list[Any]):
    done = run("promote", "--from", "prod", "--to", "prod")
    assert isinstance(done.exception, TargetRefused)  # open_workspace, which words it, is replaced here
    assert delivered == []


@pytest.mark.parametrize(("passed", "code", "shown"), [(True, 0, "LOOP      ok"), (False, 2, "LOOP      FAILED")])
def test_a_failed_smoke_is_an_exit_code(
    opened: None, monkeypatch: pytest.MonkeyPatch, passed: bool, code: int, shown: str
):
    checks = (Check.of("LOOP", passed=passed, reason="as declared"),)
    monkeypatch.setattr("snowloop.lifecycle.delivery.smoke.smoke", lambda given: Smoke(given.target, checks))
    done = run("smoke", "-t", "prod")
    assert done.exit_code == code
    assert "credit_approval in prod:" in done.output
    assert shown in done.output
    assert json.loads(run("smoke", "-t", "prod", "--json").output)["checks"][0]["name"] == "LOOP"
