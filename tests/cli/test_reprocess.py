"""The commands that repair: what they require, what they hand on, and what they print."""

from typing import Any

import pytest
from typer.testing import CliRunner

from snowloop.cli.main import app
from snowloop.lifecycle.scoring.reprocess.backfill import Backfill, Rows
from snowloop.lifecycle.scoring.reprocess.recover import Recovery
from snowloop.lifecycle.scoring.reprocess.requeue import Requeue
from snowloop.workspace import Workspace

SAID = ("--project", "credit_approval", "--target", "prod")


@pytest.fixture
def asked(opened: None, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the lifecycle room was asked for; it is not gone into."""
    calls: list[dict[str, Any]] = []
    answers = {
        "reprocess.backfill.backfill": Backfill("r1", "V1", 3, 25, 25, 1, age_seconds=9000),
        "reprocess.requeue.requeue": Requeue("r2", "V1", 1200, 7),
        "reprocess.recover.recover_loop": Recovery(recovered=True, stream="replaced", rows=5, scored=4, quarantined=1),
    }
    for place, answer in answers.items():

        def record(workspace: Workspace, _answer: Any = answer, **named: Any) -> Any:
            calls.append({"target": workspace.target, **named})
            return _answer

        monkeypatch.setattr(f"snowloop.lifecycle.scoring.{place}", record)
    return calls


def test_a_backfill_is_told_which_rows_and_tells_what_it_went_on_with(asked: list[dict[str, Any]]):
    done = CliRunner().invoke(app, ["backfill", *SAID, "--from", "2026-01-01", "--to", "2026-02-01", "-v", "V1"])
    assert done.exit_code == 0, done.output
    rows = Rows(start="2026-01-01", end="2026-02-01")
    assert asked == [{"target": "prod", "version": "V1", "rows": rows, "batch_size": 10_000, "run_id": None}]
    assert "25 of 25 rows scored with V1, run r1" in done.output
    assert "1 of 3 batches had been scored before, started 2.5 h ago" in done.output


def test_a_backfill_of_everything_is_asked_for_by_name(asked: list[dict[str, Any]]):
    refused = CliRunner().invoke(app, ["backfill", *SAID])
    assert refused.exit_code == 1
    assert "or --all, which scores every row again" in refused.output
    assert CliRunner().invoke(app, ["backfill", *SAID, "--all", "--from", "2026-01-01"]).exit_code == 1
    assert asked == []
    assert CliRunner().invoke(app, ["backfill", *SAID, "--all"]).exit_code == 0
    assert asked[0]["rows"] == Rows()


def test_requeue_scores_nothing_else(asked: list[dict[str, Any]]):
    done = CliRunner().invoke(app, ["requeue", *SAID])
    assert done.exit_code == 0, done.output
    assert asked == [{"target": "prod", "version": None}]
    assert "7 of 1,200 quarantined rows scored with V1, run r2" in done.output


def test_recover_looks_for_lost_rows_in_any_case(asked: list[dict[str, Any]]):
    done = CliRunner().invoke(app, ["recover", *SAID])
    assert asked == [{"target": "prod"}]
    assert "stream replaced, 5 lost rows found; start the tasks: snowloop apply" in done.output


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("backfill", ("--all", "newest of a key counts", "resumes it", "see requeue", "Example")),
        ("requeue", ("UPDATE of SERVING.QUARANTINE", "leaves its key alone", "run snowloop apply")),
        ("recover", ("plan refuses until it is run again", "Then run apply")),
    ],
)
def test_help_says_what_is_done_and_what_to_do_after_an_interruption(command: str, words: tuple[str, ...]):
    shown = " ".join(CliRunner().invoke(app, [command, "--help"], terminal_width=200).output.replace("│", " ").split())
    assert all(word in shown for word in words), shown
