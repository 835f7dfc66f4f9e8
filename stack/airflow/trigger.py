"""A client of Airflow's REST API: triggers a DAG, follows its tasks, and returns how the run ended."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import requests
from requests.adapters import HTTPAdapter
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed
from urllib3.util import Retry

from stack.events import RunEvent, StageEvent, StageState
from stack.progress import Progress
from stack.state import StackError

ENDED: dict[str, StageState] = {"success": "success", "failed": "failed"}
POLL_SECONDS = 1.0
APPEAR_SECONDS = 120.0


class AirflowApi:
    """Airflow's REST API with a login, at an address such as http://localhost:8080."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url.rstrip("/")
        self._login = {"username": user, "password": password}
        self._http = requests.Session()
        self._http.trust_env = False
        patient = HTTPAdapter(max_retries=Retry(total=4, backoff_factor=0.5, status_forcelist=[502, 503, 504]))
        for scheme in ("http://", "https://"):
            self._http.mount(scheme, patient)  # it repeats what is safe to repeat: GET, not POST
        self._token = ""

    def call(self, method: str, path: str, **arguments: Any) -> Any:
        """Send one request, with a fresh token if the old one has expired, and give the answer's JSON.

        Args:
            method: HTTP method.
            path: Path below /api/v2.
            arguments: What ``requests`` takes.

        Raises:
            StackError: If Airflow cannot be reached or refuses.
            LookupError: If there is no such thing (404).
        """
        for fresh in (False, True):
            if fresh or not self._token:
                self._token = self._authenticate()
            headers = {"Authorization": f"Bearer {self._token}"}
            answer = self._send(method, f"/api/v2{path}", headers=headers, **arguments)
            if answer.status_code != 401:
                break
        if answer.status_code == 404:
            raise LookupError(f"{method} {path}: {_detail(answer)}")
        if not answer.ok:
            raise StackError(f"Airflow at {self.url} refused {method} {path}: {answer.status_code} {_detail(answer)}")
        return answer.json()

    def _authenticate(self) -> str:
        answer = self._send("POST", "/auth/token", json=self._login)
        if not answer.ok:
            raise StackError(
                f"Airflow at {self.url} refused the login of user {self._login['username']}: "
                f"{answer.status_code} {_detail(answer)}"
            )
        return str(answer.json()["access_token"])

    def _send(self, method: str, path: str, **arguments: Any) -> requests.Response:
        try:
            return self._http.request(method, f"{self.url}{path}", timeout=60, **arguments)
        except requests.RequestException as error:
            raise StackError(f"Airflow at {self.url} cannot be reached ({type(error).__name__}): is it up?") from error


def trigger(api: AirflowApi, dag_id: str, conf: dict[str, Any], progress: Progress) -> RunEvent:
    """Trigger a DAG, show the events of its stages, and give how the run ended.

    Raises:
        StackError: If Airflow cannot be reached, refuses, or does not know the DAG.
    """
    _wait_for_dag(api, dag_id)
    body = {"logical_date": None, "conf": conf}
    run = api.call("POST", f"/dags/{dag_id}/dagRuns", json=body)
    path = f"/dags/{dag_id}/dagRuns/{quote(run['dag_run_id'], safe='')}"
    seen: set[tuple[str, int, str]] = set()
    while True:
        run = api.call("GET", path)
        for event in _new_events(api, path, seen):
            progress.show(event)
        if run["state"] in {"success", "failed"}:
            return RunEvent(run["dag_run_id"], run["state"])
        time.sleep(POLL_SECONDS)


def _wait_for_dag(api: AirflowApi, dag_id: str) -> None:
    """A server that has just started has not read the DAG files yet."""
    patient = Retrying(
        retry=retry_if_exception_type(LookupError),
        stop=stop_after_delay(APPEAR_SECONDS),
        wait=wait_fixed(POLL_SECONDS),
        reraise=True,
    )
    try:
        dag = patient(api.call, "GET", f"/dags/{dag_id}")
    except LookupError as error:
        raise StackError(f"Airflow at {api.url} has no DAG {dag_id}: {_import_errors(api)}") from error
    if dag["is_paused"]:
        api.call("PATCH", f"/dags/{dag_id}", json={"is_paused": False})


def _import_errors(api: AirflowApi) -> str:
    errors = api.call("GET", "/importErrors")["import_errors"]
    messages = [f"{error['filename']}: {error['stack_trace'].strip().splitlines()[-1]}" for error in errors]
    return "; ".join(messages) or "its DAG files have no error; is the project declared there?"


def _new_events(api: AirflowApi, path: str, seen: set[tuple[str, int, str]]) -> Iterator[StageEvent]:
    tasks = api.call("GET", f"{path}/taskInstances", params={"limit": 500})["task_instances"]
    for task in sorted(tasks, key=lambda each: each["end_date"] or "~"):
        state: StageState | None = ENDED.get(task["state"], "running" if task["state"] == "running" else None)
        key = (task["task_id"], task["map_index"], f"{state} {task['try_number']}")
        if state is None or key in seen:
            continue
        seen.add(key)
        label = task["rendered_map_index"] if task["map_index"] >= 0 else ""
        yield StageEvent(
            task["task_id"],
            state,
            label=label or "",
            seconds=task["duration"] or 0.0,
            figures=(_xcom(api, path, task, "summary") or {}) if state == "success" else {},
            result=_xcom(api, path, task, "return_value") if state == "success" else None,
            reason=(_xcom(api, path, task, "reason") or "see its log in Airflow") if state == "failed" else "",
        )


def _xcom(api: AirflowApi, path: str, task: dict[str, Any], key: str) -> Any:
    where = f"{path}/taskInstances/{quote(task['task_id'], safe='')}/xcomEntries/{key}"
    try:
        return api.call("GET", where, params={"map_index": task["map_index"], "deserialize": "false"})["value"]
    except LookupError:
        return None


def _detail(answer: requests.Response) -> str:
    try:
        return str(answer.json().get("detail", answer.text))
    except ValueError:
        return answer.text[:200]
