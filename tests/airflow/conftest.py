"""A fake Snowpark session behind the stock hook, and a small project."""

from __future__ import annotations

import shutil
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.snowflake.hooks.snowflake import SnowflakeHook
from airflow.providers.standard.operators import hitl

from snowloop.project import include_dir


@dataclass
class FakeSession:
    """Records what an operator does with its session."""

    tags: list[dict[str, str]] = field(default_factory=list)
    closed: int = 0
    cancelled: int = 0
    close_error: Exception | None = None
    connection: Any = field(default_factory=lambda: SimpleNamespace(host="localhost"))

    def query_history(self, *, include_error: bool = False) -> Any:
        return nullcontext(SimpleNamespace(queries=[]))

    def update_query_tag(self, tag: dict[str, str]) -> None:
        self.tags.append(tag)

    def close(self) -> None:
        self.closed += 1
        if self.close_error is not None:
            raise self.close_error

    def cancel_all(self) -> None:
        self.cancelled += 1


class FakeTask:
    """The part of a task instance that operators use."""

    dag_id = "credit_approval__train"
    task_id = "train.gate"
    run_id = "manual__1"

    def __init__(self) -> None:
        self.pushed: dict[str, Any] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> FakeSession:
    fake = FakeSession()
    monkeypatch.setattr(SnowflakeHook, "get_snowpark_session", lambda _hook: fake)
    return fake


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The shipped project, with approvals declared for prod; the form that Airflow shows."""
    shutil.copytree(include_dir(), tmp_path / "include")
    monkeypatch.setenv("SNOWLOOP_INCLUDE", str(tmp_path / "include"))
    declared = tmp_path / "include" / "projects" / "credit_approval" / "project.yaml"
    text = "approval: {targets: [prod], timeout: 36h, approvers: [ada]}\n"
    declared.write_text(declared.read_text() + text)
    question: dict[str, Any] = {}
    monkeypatch.setattr(hitl, "upsert_hitl_detail", lambda **fields: question.update(fields))
    return question


@pytest.fixture
def context() -> Any:
    run = SimpleNamespace(triggering_user_name="ada")
    return {"ti": FakeTask(), "params": SimpleNamespace(target="dev"), "dag_run": run}
