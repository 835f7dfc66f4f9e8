"""Progress lines and the summary of a run."""

from __future__ import annotations

import io
import re

from rich.console import Console

from snowloop.checks import Check
from snowloop.lifecycle.gate.verdict import Verdict
from stack.events import RunEvent, StageEvent, read_event
from stack.progress import Progress
from stack.summary import print_summary, summarize

LOAD = StageEvent("train.load", "success", seconds=2.14, figures={"files": 2, "read": 4000, "loaded": 3996})


def shown(*events, terminal=False):
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=200, highlight=False, markup=False)
    with Progress(console) as progress:
        for event in events:
            progress.show(event)
    return out.getvalue(), progress


def test_one_line_a_stage_with_time_and_figures():
    text, _ = shown(StageEvent("train.load", "running"), LOAD)
    assert text == "✓ load                      2.1 s   files 2 · read 4,000 · loaded 3,996\n"


def test_a_mapped_stage_names_which_one_it_is():
    text, _ = shown(StageEvent("train.candidate", "success", label="boosting", figures={"roc_auc": 0.81234}))
    assert text.startswith("✓ candidate boosting ")
    assert text.endswith("roc auc 0.8123\n")


def test_a_failure_shows_the_first_line_of_its_reason():
    text, progress = shown(StageEvent("train.gate", "failed", reason="roc_auc 0.45 is below 0.65\nmore"))
    assert text.startswith("✗ gate ")
    assert text.endswith("roc_auc 0.45 is below 0.65\n")
    assert [event.stage for event in progress.events] == ["gate"]


def test_no_colour_unless_on_a_terminal():
    assert "\x1b[" not in shown(LOAD)[0]
    assert "\x1b[" in shown(LOAD, terminal=True)[0]


def test_texts_are_printed_as_they_are():
    assert "does not match [a-z]" in shown(StageEvent("load", "failed", reason="does not match [a-z]"))[0]


def test_events_survive_the_pipe():
    assert read_event(LOAD.to_json()) == LOAD
    assert read_event(RunEvent("manual__1", "success").to_json()) == RunEvent("manual__1", "success")


def test_the_summary_adds_up_the_loads_and_names_what_was_kept():
    arrived = StageEvent("score.arrive_1", "success", figures={"files": 1, "read": 500, "loaded": 500, "kept": 2})
    summary = dict(summarize([LOAD, arrived]))
    assert summary["data"] == "files 3 · read 4,500 · loaded 4,496 · rejected 0"
    assert summary["kept as it was"] == "arrive 1 (2)"


def test_the_summary_says_the_verdict_in_words():
    made = (
        Check.of("BOUND", passed=True, reason="roc_auc 0.81 is at least 0.65"),
        Check.of("SIZE", passed=False, reason="the model is too large"),
        Check("CALIBRATION", "not_asked", "no bound is declared"),
    )
    judged = Verdict("id", "V", None, "abc", made, kept=False)
    gate = StageEvent("train.gate", "success", figures=judged.summary(), result=judged.to_dict())
    verdict = "✓ roc_auc 0.81 is at least 0.65\n✗ the model is too large\n- no bound is declared"
    assert dict(summarize([gate]))["verdict"] == f"1 passed, 1 failed, 1 not asked\n{verdict}"


def test_the_summary_of_a_failed_run_names_stage_and_reason():
    out = io.StringIO()
    events = [LOAD, StageEvent("train.gate", "failed", reason="roc_auc 0.45 is below 0.65")]
    print_summary(Console(file=out, width=120), RunEvent("manual__1", "failed"), events, {"logs": "here"})
    assert "The run failed at gate:\nroc_auc 0.45 is below 0.65\n" in out.getvalue()
    assert re.search(r"^logs +here$", out.getvalue(), re.MULTILINE)
