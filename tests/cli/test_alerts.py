"""The command for alerts: what it asks for, what it calls, and what it prints."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from snowloop.cli import alerts as command
from snowloop.cli.main import app
from snowloop.cli.options import DONE, FAILED
from snowloop.lifecycle.monitoring.alert_store import AlertList
from snowloop.lifecycle.monitoring.alerts import Alert

DAY = datetime(2026, 1, 1, tzinfo=UTC)
ALERT = Alert("1f", "volume", None, "warning", "open", DAY, DAY, DAY, None, 3, 4.0, 3.5, "few rows")


@pytest.fixture
def called(opened: None, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    calls: list[Any] = []

    def answer(name: str) -> None:
        def call(_workspace: Any, *given: Any, **named: Any) -> AlertList:
            calls.append((name, given, named))
            return AlertList((ALERT,))

        monkeypatch.setattr(f"snowloop.lifecycle.monitoring.alert_store.{name}", call)

    for each in ("list_alerts", "acknowledge", "mute", "close"):
        answer(each)
    monkeypatch.setattr(command, "user", lambda _session: "ADA")
    return calls


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["alerts", *arguments, "--project", "credit_approval", "--target", "prod"])


@pytest.mark.parametrize(
    ("arguments", "call"),
    [
        ([], ("list_alerts", (), {"closed": False})),
        (["list", "--all"], ("list_alerts", (), {"closed": True})),
        (["ack", "volume", "-r", "I look"], ("acknowledge", ("volume",), {"by": "ADA", "reason": "I look"})),
        (["close", "1f", "-r", "gone"], ("close", ("1f",), {"by": "ADA", "reason": "gone"})),
        (
            ["mute", "volume", "--for", "2 days", "-r", "shop closed"],
            ("mute", ("volume",), {"until": timedelta(days=2), "by": "ADA", "reason": "shop closed"}),
        ),
    ],
)
def test_each_action_is_one_call(called: list[Any], arguments: list[str], call: Any):
    done = run(*arguments)
    assert done.exit_code == DONE, done.output
    assert called == [call]
    assert "1f  warning  open          volume, since 2026-01-01 00:00 UTC" in done.output
    assert "few rows" in done.output


def test_machines_read_json(called: list[Any]):
    (alert,) = json.loads(run("--json").output)
    assert (alert["signal"], alert["opened_at"]) == ("volume", "2026-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ack"], "ack needs the signal or the id"),
        (["ack", "volume"], "ack needs the signal or the id"),
        (["mute", "volume", "-r", "why"], "mute needs --for"),
        (["ack", "volume", "-r", "why", "--for", "1h"], "mute needs --for"),
        (["list", "volume"], "the list takes no name"),
        (
            ["mute", "volume", "-r", "why", "--for", "soon"],
            "--for soon: a duration is a whole number above 0 and a unit",
        ),
    ],
)
def test_an_incomplete_command_is_refused_with_what_is_missing(called: list[Any], arguments: list[str], message: str):
    done = run(*arguments)
    assert done.exit_code == FAILED
    assert message in done.output
    assert not called
