"""The commands for the stages that the DAGs run: what they call, what they print, and how they end."""

import json
import signal
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from snowloop.cli import options
from snowloop.cli.main import app
from snowloop.cli.options import DONE, REFUSED
from snowloop.lifecycle.data.environment import Environment
from snowloop.lifecycle.fingerprints import fingerprints
from snowloop.lifecycle.monitoring.judged_again import JudgedAgain
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
def calls(opened: None, monkeypatch: pytest.MonkeyPatch) -> Calls:
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


def test_every_command_prints_json():
    commands = {name: command for name, command in _commands(get_command(app)) if name != "schema"}  # it is JSON
    assert len(commands) > 25
    assert [name for name, command in commands.items() if "as_json" not in {each.name for each in command.params}] == []


def _commands(command: Any, *path: str) -> Iterator[tuple[str, Any]]:
    """All commands, also those of groups."""
    if not isinstance(command, TyperGroup):
        yield " ".join(path), command
        return
    for name, each in command.commands.items():
        yield from _commands(each, *path, name)


def test_what_is_laid_out_is_json_too(tmp_path: Path):
    file = tmp_path / "churn.csv"
    file.write_text("id,fee,left\n" + "".join(f"{n},{n % 7},{'yes' if n % 3 else 'no'}\n" for n in range(200)))
    chosen = ("--from", str(file), "--label", "left", "--json")
    made = CliRunner().invoke(app, ["init", str(tmp_path / "models"), "--name", "churn", *chosen])
    assert made.exit_code == 0, made.output
    assert "targets.yaml" in json.loads(made.stdout)["files"]
    written = CliRunner().invoke(app, ["new", "churn", "--dir", str(tmp_path / "projects"), *chosen])
    assert json.loads(written.stdout)["directory"] == str(tmp_path / "projects" / "churn")


def test_a_stage_prints_all_its_fields_as_json(calls: Calls, monkeypatch: pytest.MonkeyPatch):
    made = Environment("DB", 3, 2, 1)
    monkeypatch.setattr("snowloop.lifecycle.data.environment.create_environment", lambda _workspace: made)
    done = run("environment", "--json")
    assert json.loads(done.output) == {"database": "DB", "created": 3, "altered": 2, "kept": 1, "dropped": 0}


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


@pytest.mark.parametrize(
    ("recorded", "trains"), [({}, True), ({"features.sql": "changed"}, True), ({"contract": "changed"}, False)]
)
def test_with_if_needed_only_what_a_version_is_made_of_is_trained_again(
    calls: Calls, monkeypatch: pytest.MonkeyPatch, recorded: dict[str, str], trains: bool
):
    calls.answer("data.validate.check_contract", passed=7)
    now = fingerprints(load_project("credit_approval")) | recorded
    stages = dict.fromkeys(("trained", "judged", "deployed"), now) if recorded else {}
    monkeypatch.setattr("snowloop.lifecycle.fingerprints.recorded_fingerprints", lambda _workspace: stages)
    monkeypatch.setattr("snowloop.lifecycle.features.training_set.build_training_set", lambda _workspace: 1 / 0)
    done = run("train", "--if-needed")
    assert calls == (["check_contract"] if trains else [])
    assert isinstance(done.exception, ZeroDivisionError) == trains
    assert ("not trained: kind of change: judge" in done.output) != trains


def test_an_override_is_by_the_user_of_the_session_and_of_the_system(monkeypatch: pytest.MonkeyPatch):
    session = SimpleNamespace(sql=lambda _text: SimpleNamespace(collect=lambda: [{"NAME": "SVC_LOOP"}]))
    monkeypatch.setattr("getpass.getuser", lambda: "ada")
    assert options.user(session) == "SVC_LOOP (OS user ada)"  # type: ignore[arg-type]
    asked: list[Any] = []
    workspace = SimpleNamespace(session=session)
    monkeypatch.setattr(options, "open_workspace", lambda *_given, **_options: nullcontext(workspace))
    monkeypatch.setattr("snowloop.lifecycle.gate.verdict.override_of", lambda *given: asked.append(given))
    monkeypatch.setattr("snowloop.lifecycle.data.validate.check_contract", lambda _workspace: 1 / 0)
    run("train", "--override", "BOUND", "--override-reason", "why", "--override-until", "2026-12-31")
    assert asked == [("SVC_LOOP (OS user ada)", "why", "BOUND", "2026-12-31")]


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


@pytest.mark.parametrize(("outcome", "code"), [("passed", 0), ("not asked", 0), ("failed", 2)])
def test_a_champion_that_fails_by_the_new_bounds_is_an_exit_code(
    opened: None, monkeypatch: pytest.MonkeyPatch, outcome: Any, code: int
):
    done = JudgedAgain("V1", outcome, "BOUND", "id", "V1")
    monkeypatch.setattr("snowloop.lifecycle.monitoring.judged_again.judge_again", lambda _given, if_needed: done)
    ran = run("judge", "--if-needed")
    assert (ran.exit_code, "BOUND" in ran.output) == (code, True)
    assert json.loads(run("judge", "--json").output)["outcome"] == outcome


def test_a_command_that_is_cancelled_ends_as_by_an_interrupt():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), options.ended_by_sigterm():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before
