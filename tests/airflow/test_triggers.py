"""Triggers against a running local Snowflake that is stopped and started in between, and sensors that hand over."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from local_snowflake.protocol.connection import connection_arguments
from snowloop.airflow.sensors.scoring import BacklogBelowSensor, GraphRunFinishedSensor, StreamHasDataSensor
from snowloop.airflow.triggers.scoring import LoopTrigger
from snowloop.lifecycle.scoring import wait as watch

ROOT = Path(__file__).resolve().parents[2]
TABLE, STREAM = "CREDIT_APPROVAL_WATCH.RAW.APPLICATION_RECORD", "CREDIT_APPROVAL_WATCH.RAW.APPLICATION_RECORD_STREAM"


class Server:
    """A local Snowflake that comes back on its port."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, 0

    def start(self) -> None:
        command = [sys.executable, "-m", "local_snowflake", "serve", "--data-dir", str(self.folder)]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            [*command, "--port", str(self.port)], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout
        assert self.process.stdout.readline().startswith("ready")
        self.port = json.loads((self.folder / "server.json").read_text())["port"]

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        assert self.process.stdout
        self.process.stdout.close()

    def connection(self) -> dict[str, Any]:
        return connection_arguments(self.folder)


@pytest.fixture
def server(tmp_path, monkeypatch):
    made = Server(tmp_path / "data")
    made.folder.mkdir()
    made.start()
    settings = made.connection()
    extra = {"account": "local", "host": "localhost", "port": made.port, "insecure_mode": True, "role": "ACCOUNTADMIN"}
    connection = {"conn_type": "snowflake", "login": settings["user"], "password": settings["password"], "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_SNOWFLAKE_DEFAULT", json.dumps(connection))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(made.folder / "ca-bundle.pem"))
    yield made
    made.stop()


def execute(server, *statements):
    import snowflake.connector

    with snowflake.connector.connect(**server.connection()) as connection:
        for statement in statements:
            connection.cursor().execute(statement)


def wait(**changes):
    chosen: dict[str, Any] = {"project": "credit_approval", "target": "watch", "poll_interval": 0.2}
    chosen |= {"deadline": time.time() + 200, **changes}
    path, arguments = LoopTrigger(**chosen).serialize()
    module, name = path.rsplit(".", 1)
    return getattr(import_module(module), name)(**json.loads(json.dumps(arguments)))  # as another triggerer makes it


async def first(trigger):
    events = [event.payload async for event in trigger.run()]  # to its end, where its session is closed
    assert len(events) == 1
    return events[0]


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_wait_survives_a_restart_of_the_server_and_does_not_block(server):
    execute(
        server,
        "CREATE DATABASE CREDIT_APPROVAL_WATCH",
        "CREATE SCHEMA CREDIT_APPROVAL_WATCH.RAW",
        f"CREATE TABLE {TABLE} (ID INT)",
        f"CREATE STREAM {STREAM} ON TABLE {TABLE} APPEND_ONLY = TRUE",
    )

    async def story():
        waiting = asyncio.create_task(first(wait(question="stream_has_data")))
        await asyncio.sleep(3)
        assert not waiting.done()
        await asyncio.to_thread(server.stop)
        await asyncio.sleep(1)
        assert not waiting.done()
        await asyncio.to_thread(server.start)
        await asyncio.to_thread(execute, server, f"INSERT INTO {TABLE} VALUES (1), (2)")
        return await asyncio.wait_for(waiting, 120)

    assert asyncio.run(story()) == {"answer": True}
    assert asyncio.run(first(wait(question="backlog_below", options={"rows": 3}))) == {"answer": 2}
    late = wait(question="backlog_below", options={"rows": 1}, deadline=time.time())
    assert asyncio.run(first(late)) == {"timed_out": True}
    wrong = asyncio.run(first(wait(question="stream_has_data", target="nowhere")))
    assert "NOWHERE" in wrong["error"]


def test_the_queries_of_a_trigger_carry_the_task_that_waits(session, monkeypatch):
    monkeypatch.setitem(watch.QUESTIONS, "backlog_below", lambda *_given, **_options: 0)
    tag = {"dag_id": "d", "task_id": "t", "run_id": "r"}
    assert asyncio.run(first(wait(question="backlog_below", query_tag=tag))) == {"answer": 0}
    assert (session.tags, session.closed) == ([tag], 1)


MOMENT = "2026-01-01T00:00:00+00:00"
SINCE = {"since": MOMENT}
SENSORS = [
    (StreamHasDataSensor, {}, "stream_has_data", {}, "new rows in the stream"),
    (
        GraphRunFinishedSensor,
        SINCE,
        "run_finished",
        SINCE,
        f"the end of a task graph run that started since {MOMENT}",
    ),
    (BacklogBelowSensor, {"rows": "5"}, "backlog_below", {"rows": 5}, "a backlog below 5 rows"),
]


@pytest.mark.parametrize(
    ("sensor", "arguments", "question", "options", "awaited"), SENSORS, ids=[row[2] for row in SENSORS]
)
def test_a_sensor_hands_its_wait_to_the_triggerer(sensor, arguments, question, options, awaited, context):
    made = sensor(task_id="wait", project="credit_approval", target="dev", poke_interval=7, timeout=60, **arguments)
    with pytest.raises(TaskDeferred) as deferred:
        made.execute(context)
    trigger = deferred.value.trigger
    assert (trigger.question, trigger.options, trigger.poll_interval) == (question, options, 7)
    tag = {"dag_id": context["ti"].dag_id, "task_id": context["ti"].task_id, "run_id": context["ti"].run_id}
    assert trigger.serialize()[1]["query_tag"] == tag
    assert trigger.deadline == pytest.approx(time.time() + 60, abs=30)
    assert made.resume({}, {"answer": 3}) == 3
    with pytest.raises(AirflowFailException, match="no such stream"):
        made.resume({}, {"error": "no such stream"})
    with pytest.raises(AirflowFailException, match=re.escape(f"60 s waiting for {awaited} of credit_approval")):
        made.resume({}, {"timed_out": True})


@pytest.mark.parametrize("sensor", [StreamHasDataSensor, GraphRunFinishedSensor, BacklogBelowSensor])
def test_a_wait_that_airflow_loses_is_begun_again(sensor):
    options = {"rows": 1} if sensor is BacklogBelowSensor else {}
    made = sensor(task_id="wait", project="credit_approval", **options)
    assert made.retries == 2
    assert made.retry_delay.total_seconds() <= 10
