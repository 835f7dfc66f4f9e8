"""The commands for the stages that the DAGs run: what they call, what they print, and how they end."""

import json
from contextlib import AbstractContextManager, nullcontext
from types import SimpleNamespace
from typing import Any, cast

import pytest
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from snowloop.cli import stages
from snowloop.cli.main import app
from snowloop.cli.options import DONE, REFUSED
from snowloop.lifecycle.scoring.health import StreamHealth
from snowloop.project import load_project
from snowloop.workspace import Workspace

CHOSEN = ("--project", "credit_approval", "--target", "prod")
COMMANDS = sorted(cast(TyperGroup, get_command(app)).commands)


class Calls(list[str]):
    """The functions that were called, in order, each answered with figures."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.patch = patch

    def answer(self, place: str, **figures: Any) -> None:
        name = place.rpartition(".")[2]

        def call(workspace: Workspace, *_arguments: Any, **_named: Any) -> Any:
            assert workspace.target == "prod"
            self.append(name)
            return SimpleNamespace(summary=lambda: figures)

        self.patch.setattr(f"snowloop.lifecycle.{place}", call)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    def opened(project: str, target: str, *_connection: Any) -> AbstractContextManager[Workspace]:
        return nullcontext(Workspace(cast(Any, None), load_project(project), target))

    monkeypatch.setattr(stages, "open_workspace", opened)
    return Calls(monkeypatch)


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, [*arguments, *CHOSEN])


@pytest.mark.parametrize(
    ("command", "place"),
    [
        ("environment", "data.environment.create_environment"),
        ("load", "data.load.load_files"),
        ("contract", "data.validate.check_contract"),
        ("wait", "scoring.wait.await_scores"),
    ],
)
def test_a_stage_is_one_call_and_its_figures_are_printed(calls: Calls, command: str, place: str):
    calls.answer(place, rows=1234, kept=1)
    done = run(command)
    assert done.exit_code == DONE, done.output
    assert calls == [place.rpartition(".")[2]]
    assert done.output.endswith(": rows 1,234 · kept\n")


def test_training_goes_through_the_stages_of_the_dag_in_order(calls: Calls):
    calls.answer("data.validate.check_contract", passed=7)
    calls.answer("features.training_set.build_training_set", rows=100)
    calls.answer("training.train.train_candidate", version="V1")
    calls.answer("evaluation.evaluate.evaluate", roc_auc=0.75)
    calls.answer("gate.gate.decide", passed=13)
    calls.answer("champion.promote.promote", champion="V1")
    done = run("train")
    assert done.exit_code == DONE, done.output
    candidates = ["train_candidate", "evaluate"] * 2
    assert calls == ["check_contract", "build_training_set", *candidates, "decide", "promote"]
    assert "evaluate boosting: roc auc 0.75" in done.output
    assert done.output.endswith("promote: champion V1\n")


def health(*findings: str) -> StreamHealth:
    return StreamHealth(bool(findings), 3.5, 12, 60, (), findings)


@pytest.mark.parametrize(("findings", "code"), [((), DONE), (("the stream is stale: run snowloop recover",), REFUSED)])
def test_findings_of_health_are_an_exit_code(
    calls: Calls, monkeypatch: pytest.MonkeyPatch, findings: tuple[str, ...], code: int
):
    monkeypatch.setattr("snowloop.lifecycle.scoring.health.stream_health", lambda _workspace: health(*findings))
    done = run("health")
    assert done.exit_code == code, done.output
    assert "backlog 12" in done.output
    assert done.output.splitlines()[1:] == ([*findings] or ["no findings"])
    done = run("health", "--json")
    assert done.exit_code == code
    assert json.loads(done.output)["findings"] == [*findings]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_sentence_and_an_example(command: str):
    shown = CliRunner().invoke(app, [command, "--help"], terminal_width=200).output
    assert f"Example: snowloop {command} " in shown
