"""Asks Airflow whether its parts are healthy."""

from __future__ import annotations

from typing import Any

import requests
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

PARTS = ("metadatabase", "scheduler", "dag_processor", "triggerer")
TRIES = 4  # of a server that is there but slow to answer


def unhealthy(url: str) -> str:
    """Name the parts of the Airflow at an address that are not healthy.

    Returns:
        Their names; ``api-server`` when nothing answers; empty when all are healthy.
    """
    patient = Retrying(retry=retry_if_exception_type(requests.Timeout), stop=stop_after_attempt(TRIES), reraise=True)
    try:
        health = patient(_health, url)
    except (requests.RequestException, ValueError):
        return "api-server"
    return ", ".join(part for part in PARTS if (health.get(part) or {}).get("status") != "healthy")


def _health(url: str) -> dict[str, Any]:
    with requests.Session() as http:
        http.trust_env = False
        health: dict[str, Any] = http.get(f"{url}/api/v2/monitor/health", timeout=5).json()
        return health
