"""A running Airflow asks a person before a promotion: silence and a no promote nothing, a yes is in the ledger."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from stack.airflow.trigger import AirflowApi, trigger
from stack.progress import Progress, console
from tests.support.commandline import REPOSITORY, Stack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]
SECONDS = 400
LEDGER = "SELECT ACTION, APPROVED_BY, APPROVAL_REASON FROM CREDIT_APPROVAL_PROD.OPS.LEDGER ORDER BY ENTRY"


@dataclass
class Asking:
    """A stack that is up, over a declaration that asks for approvals in prod."""

    stack: Stack
    api: AirflowApi
    declared: Path

    def declare(self, timeout: str) -> None:
        """Ask for an approval in prod, with a time-out."""
        text = self.declared.read_text().partition("\nschedule:")[0]
        # few rows: the worse end of the interval would not keep the bound
        text = text.replace("min_support: 20}", "min_support: 20, judge: value}")
        text = text.replace("  - {name: boosting, params: {kind: boosting}}\n", "")
        self.declared.write_text(
            f"{text}\nschedule: {{train: null}}\napproval: {{targets: [prod], timeout: {timeout}}}\n"
        )

    def train(self) -> str:
        """Begin a run of the train DAG; its address."""
        body = {"logical_date": None, "conf": {"target": "prod"}}
        run = self.api.call("POST", "/dags/credit_approval__train/dagRuns", json=body)
        return f"/dags/credit_approval__train/dagRuns/{quote(run['dag_run_id'], safe='')}"

    def states(self, run: str) -> dict[str, str]:
        tasks = self.api.call("GET", f"{run}/taskInstances", params={"limit": 100})["task_instances"]
        return {task["task_id"]: task["state"] for task in tasks}

    def until(self, run: str, come: Callable[[], Any]) -> None:
        deadline = time.monotonic() + SECONDS
        while not come():
            assert time.monotonic() < deadline, self.states(run)
            time.sleep(2)

    def answer(self, run: str, option: str, reason: str) -> str:
        """Answer every question until the run has ended; what was asked.

        Airflow asks again if an answer comes before its scheduler has noticed that the task waits.
        """
        form = f"{run}/taskInstances/train.approve/-1/hitlDetails"
        asked: list[str] = []

        def come() -> bool:
            if self.states(run).get("train.approve") == "awaiting_input":
                found = self.api.call("GET", form)
                if not found["response_received"]:
                    asked.append(found["body"])
                    answer = {"chosen_options": [option], "params_input": {"reason": reason}}
                    self.api.call("PATCH", form, json=answer)
            return self.api.call("GET", run)["state"] in {"success", "failed"}

        self.until(run, come)
        return asked[0]

    def ended(self, run: str) -> dict[str, Any]:
        self.until(run, lambda: self.api.call("GET", run)["state"] in {"success", "failed"})
        return dict(self.api.call("GET", run))


@pytest.fixture(scope="module")
def asking(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    include = tmp_path_factory.mktemp("asking") / "include"
    shutil.copytree(REPOSITORY / "include", include)
    for other in ("bank_marketing", "diabetes_progression"):
        shutil.rmtree(include / "projects" / other)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SNOWLOOP_INCLUDE", str(include))
        api = AirflowApi(f"http://localhost:{port}", "admin", stack.state.password())
        made = Asking(stack, api, include / "projects" / "credit_approval" / "project.yaml")
        made.declare("5s")
        try:
            up = stack("up", "--port", str(port))
            assert up.code == 0, up.out + up.err
            with Progress(console()) as progress:
                assert trigger(api, "credit_approval__environment", {"target": "prod"}, progress).state == "success"
            api.call("PATCH", "/dags/credit_approval__train", json={"is_paused": False})
            yield made
        finally:
            stack("down")


def test_silence_and_a_no_promote_nothing_and_a_yes_is_kept_with_its_name(asking: Asking):
    silent = asking.train()
    ended = asking.ended(silent)
    assert ended["state"] == "failed"
    assert asking.states(silent)["train.promote"] == "upstream_failed"
    assert "was not answered within 5 seconds" in ended["note"]

    asking.declare("2h")
    refused = asking.train()
    asked = asking.answer(refused, "Reject", "the season has changed")
    assert "| ✅ | SUPPORT |" in asked
    assert "| ⚪ | NOT_WORSE_THAN_CHAMPION |" in asked  # not asked: there is no champion
    ended = asking.ended(refused)
    assert asking.states(refused)["train.promote"] == "upstream_failed"
    assert "was rejected by admin: the season has changed" in ended["note"]
    assert asking.stack.query(LEDGER) == []

    approved = asking.train()
    asking.answer(approved, "Approve", "looks fine")
    assert asking.ended(approved)["state"] == "success"
    assert asking.stack.query(LEDGER) == [("promote", "admin", "looks fine")]
