"""Asks Airflow how its parts do."""

from __future__ import annotations

import requests

PARTS = ("metadatabase", "scheduler", "dag_processor", "triggerer")
TRIES = 4  # of a server that is there but slow to answer


def unhealthy(url: str) -> str:
    """Name the parts of Airflow that are not healthy.

    Args:
        url: Address of Airflow.

    Returns:
        Their names; ``api-server`` when nothing answers; empty when all are healthy.
    """
    for _ in range(TRIES):
        try:
            with requests.Session() as http:
                http.trust_env = False
                health = http.get(f"{url}/api/v2/monitor/health", timeout=5).json()
        except requests.Timeout:
            continue
        except (requests.RequestException, ValueError):
            break
        return ", ".join(part for part in PARTS if (health.get(part) or {}).get("status") != "healthy")
    return "api-server"
