"""In a running Airflow the sensors hold no worker and outlive a killed triggerer; health and backfill succeed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import pytest

from stack import holder
from stack.airflow.trigger import AirflowApi, trigger
from stack.processes import ProcessId
from stack.progress import Progress, console
from tests.support.commandline import REPOSITORY, Ran, Stack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]
SECONDS = 300
FAILED = {"failed", "upstream_failed"}
DATABASE = "CREDIT_APPROVAL_DEV"
TASK = f"{DATABASE}.SERVING.SCORE_NEW_ROWS"
NEW_ROW = f"""
INSERT INTO {DATABASE}.RAW.APPLICATION_RECORD
SELECT * REPLACE (ID + 900000000 AS ID) FROM {DATABASE}.RAW.APPLICATION_RECORD
WHERE ID = (SELECT MIN(ID) FROM {DATABASE}.SERVING.SCORED)
"""
OPEN_ALERT = f"""
INSERT INTO {DATABASE}.OPS.ALERTS (
    ALERT_ID, SIGNAL, MODEL_VERSION, SEVERITY, STATE, OPENED_AT, FIRST_SEEN, LAST_SEEN, LAST_MESSAGE_AT, WINDOWS_BAD,
    VALUE, BOUND, REASON, EVENTS
)
SELECT
    'a1', 'drift:AGE_YEARS', TO_VERSION, 'warning', 'open', SYSDATE(), SYSDATE(), SYSDATE(), SYSDATE(), 3,
    1, 0.1, 'clients are older', 0
FROM {DATABASE}.OPS.LEDGER QUALIFY ENTRY = MAX(ENTRY) OVER ()
"""
SCORED = f"SELECT COUNT(*) FROM {DATABASE}.SERVING.SCORED WHERE ID > 900000000"


@dataclass
class Watching:
    """A stack that is up over a deployed loop, with a DAG of sensors besides the shipped ones."""

    stack: Stack
    api: AirflowApi

    def until(self, come: Callable[[], Any], report: Callable[[], Any]) -> None:
        deadline = time.monotonic() + SECONDS
        while not come():
            assert time.monotonic() < deadline, report()
            time.sleep(1)

    def states(self, run: str) -> dict[str, str]:
        tasks = self.api.call("GET", f"{run}/taskInstances")["task_instances"]
        return {task["task_id"]: task["state"] for task in tasks}

    def becomes(self, run: str, task: str, state: str) -> None:
        """Wait until a task is in a state; if it fails instead, its log is shown."""

        def come() -> bool:
            now = self.states(run)[task]
            assert state == now or now not in FAILED, f"{task} is {now}: {self.log(run, task)}"
            return state == now

        self.until(come, lambda: self.states(run))

    def log(self, run: str, task: str) -> Any:
        """What the last try of a task has logged."""
        found = self.api.call("GET", f"{run}/taskInstances/{task}")
        return self.api.call("GET", f"{run}/taskInstances/{task}/logs/{found['try_number']}")

    def slots(self) -> dict[str, int]:
        """How many places of workers are taken, and how many tasks wait in the triggerer."""
        pool = self.api.call("GET", "/pools/default_pool")
        return {kind: pool[f"{kind}_slots"] for kind in ("occupied", "running", "deferred")}

    def holder(self, run: str, task: str) -> int | None:
        """The triggerer that polls for a task now: the number of its job; None while there is none."""
        found = self.api.call("GET", f"{run}/taskInstances/{task}")
        return (found["triggerer_job"] or {}).get("id")

    def triggerer(self) -> ProcessId:
        up = holder.read(self.stack.state)
        assert up is not None
        return up.children["triggerer"]

    def asked(self, dag_id: str) -> list[str]:
        """The runs of a DAG that asset events have started."""
        runs = self.api.call("GET", f"/dags/{dag_id}/dagRuns?run_type=asset_triggered")["dag_runs"]
        return [f"/dags/{dag_id}/dagRuns/{quote(run['dag_run_id'], safe='')}" for run in runs]

    def succeeds(self, dag_id: str, conf: dict[str, Any]) -> None:
        with Progress(console()) as progress:
            ended = trigger(self.api, dag_id, {"target": "dev", **conf}, progress)
        assert ended.state == "success", progress.events
        runs = f"/dags/{dag_id}/dagRuns?state=running&state=queued"  # what its schedule has begun too: at a full hour
        self.until(lambda: not self.api.call("GET", runs)["dag_runs"], lambda: self.api.call("GET", runs))
        self.api.call("PATCH", f"/dags/{dag_id}", json={"is_paused": True})  # only now: a paused run never ends


@pytest.fixture(scope="module")
def watching(life_cycle: tuple[Stack, Ran], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watching]:
    folder = tmp_path_factory.mktemp("watching")
    stack = life_cycle[0].copy(folder / "state")
    _declare(folder / "include")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SNOWLOOP_INCLUDE", str(folder / "include"))
        patch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", _bundles(folder / "dags"))
        patch.setenv("AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD", "10")  # another takes over so much later
        try:
            up = stack("up", "--port", str(port))
            assert up.code == 0, up.out + up.err
            yield Watching(stack, AirflowApi(f"http://localhost:{port}", "admin", stack.state.password()))
        finally:
            stack("down")


def _declare(include: Path) -> None:
    """One project alone, whose drift asks for a training: the others' DAGs would be parsed too."""
    shutil.copytree(REPOSITORY / "include", include)
    for other in ("bank_marketing", "diabetes_progression"):
        shutil.rmtree(include / "projects" / other)
    with (include / "projects" / "credit_approval" / "project.yaml").open("a") as file:
        file.write("monitoring: {retrain_on: [drift]}\n")


def _bundles(folder: Path) -> str:
    folder.mkdir()
    shutil.copy(REPOSITORY / "tests" / "e2e" / "waiting_dag.py", folder)
    local = "airflow.dag_processing.bundles.local.LocalDagBundle"
    folders = {"shipped": str(REPOSITORY / "dags"), "waiting": str(folder)}
    return json.dumps([{"name": name, "classpath": local, "kwargs": {"path": path}} for name, path in folders.items()])


def test_the_shipped_dags_that_watch_and_mend_succeed_on_a_deployed_loop(watching: Watching):
    watching.stack.query(OPEN_ALERT)
    watching.api.call("PATCH", "/dags/credit_approval__train", json={"is_paused": False})
    watching.succeeds("credit_approval__health", {"recover": False})
    watching.until(lambda: watching.asked("credit_approval__train"), lambda: "no training was started")
    watching.api.call("PATCH", "/dags/credit_approval__train", json={"is_paused": True})
    (run,) = watching.asked("credit_approval__train")
    events = watching.api.call("GET", f"{run}/upstreamAssetEvents")["asset_events"]
    assert [(event["extra"]["alerts"], event["extra"]["reason"]) for event in events] == [
        (["drift:AGE_YEARS"], "drift:AGE_YEARS: clients are older")
    ]
    watching.api.call("PATCH", run, json={"state": "failed"})  # what it would train is the champion again
    before = watching.stack.query(f"SELECT COUNT(*) FROM {DATABASE}.SERVING.SCORED")[0][0]
    watching.succeeds("credit_approval__backfill", {"batch_size": 1000})
    again = watching.stack.query(f"SELECT COUNT(*) FROM {DATABASE}.SERVING.SCORED")[0][0]
    assert again > before > 0
    assert watching.asked("credit_approval__train") == [run], "one alert, one training"
    assert watching.stack.query(f"SELECT STATE, SIGNALS FROM {DATABASE}.OPS.RETRAININGS") == [
        ("requested", "drift:AGE_YEARS")
    ]


def test_a_sensor_holds_no_worker_and_outlives_a_killed_triggerer(watching: Watching):
    watching.stack.query(f"ALTER TASK {TASK} SUSPEND")
    body = {"logical_date": None, "conf": {"target": "dev"}}
    begun = watching.api.call("POST", "/dags/waiting/dagRuns", json=body)
    run = f"/dags/waiting/dagRuns/{quote(begun['dag_run_id'], safe='')}"
    watching.becomes(run, "rows_have_come", "deferred")
    assert watching.slots() == {"occupied": 0, "running": 0, "deferred": 1}
    watching.until(lambda: watching.holder(run, "rows_have_come"), lambda: "no triggerer takes the wait")
    job = watching.holder(run, "rows_have_come")

    killed = watching.triggerer()
    family = [ProcessId.of(child.pid) for child in psutil.Process(killed.pid).children(recursive=True)]
    assert family
    os.kill(killed.pid, signal.SIGKILL)
    watching.until(lambda: watching.triggerer() != killed, lambda: "no triggerer was started again")
    watching.until(lambda: not any(map(ProcessId.process, family)), lambda: "the killed one left a process behind")
    watching.until(lambda: watching.holder(run, "rows_have_come") not in {None, job}, lambda: "the wait was lost")
    assert watching.states(run)["rows_have_come"] == "deferred"

    watching.stack.query(NEW_ROW)
    watching.becomes(run, "rows_have_come", "success")
    watching.becomes(run, "run_is_over", "deferred")
    watching.stack.query(f"ALTER TASK {TASK} RESUME")
    watching.becomes(run, "run_is_over", "success")
    watching.becomes(run, "no_row_is_left", "success")
    assert watching.stack.query(SCORED) == [(1,)]
