"""Exit 0 when the API server reports an Airflow component (scheduler, dag_processor, triggerer, …) healthy."""

import json
import os
import sys
from urllib.request import urlopen


def main() -> int:
    """Ask the API server, which reads every component's heartbeat from the metadata database.

    Returns:
        0 when the component is healthy, else 1.
    """
    component = sys.argv[1]
    address = os.environ.get("AIRFLOW_API_ADDRESS", "http://api-server:8080")
    with urlopen(f"{address}/api/v2/monitor/health", timeout=8) as answer:  # noqa: S310 - a fixed http address
        report = json.load(answer).get(component) or {}
    print(component, report)
    return 0 if report.get("status") == "healthy" else 1


if __name__ == "__main__":
    sys.exit(main())
