"""Run notes: what a run's note says."""

from __future__ import annotations

from types import SimpleNamespace

from snowloop.airflow.run_notes import MAX_NOTE, compose_note


def task(task_id, state="success", duration=1.25, map_index=-1, rendered_map_index=None):
    return SimpleNamespace(
        task_id=task_id, state=state, duration=duration, map_index=map_index, rendered_map_index=rendered_map_index
    )


def test_one_line_a_stage_with_its_figures():
    tasks = [task("train.load"), task("train.candidate", map_index=1, rendered_map_index="boosting")]
    pushed = {
        ("train.load", -1, "summary"): {"read": 4000},
        ("train.candidate", 1, "summary"): {"roc_auc": 0.81234},
    }
    assert compose_note(tasks, pushed) == (
        "- ✓ **train.load** 1.2 s: read 4,000\n- ✓ **train.candidate boosting** 1.2 s: roc_auc 0.8123"
    ).replace("roc_auc", "roc auc")


def test_the_reason_of_a_failure_comes_first():
    tasks = [
        task("train.load"),
        task("train.gate", state="failed"),
        task("train.promote", "upstream_failed", None),
    ]
    note = compose_note(tasks, {("train.gate", -1, "reason"): "roc_auc 0.45 is below 0.65"})
    assert note.splitlines()[0] == "- ✗ **train.gate** 1.2 s: roc_auc 0.45 is below 0.65"
    assert note.splitlines()[-1] == "- · **train.promote**"


def test_a_long_note_is_cut_to_what_airflow_keeps():
    note = compose_note([task(f"stage_{number}") for number in range(100)], {})
    assert len(note) == MAX_NOTE
    assert note.endswith("…")
