"""The compose file and the Dockerfile, as they are written: no daemon needed."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
import yaml

from tests.compose.client import ROOT, compose_answers

ONE_SHOT = {"secrets", "init"}


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    """The services of docker-compose.yaml, with merge keys resolved."""
    return yaml.safe_load((ROOT / "docker-compose.yaml").read_text())["services"]


@pytest.mark.skipif(not compose_answers(), reason="no Docker client with Compose on this machine")
def test_compose_accepts_the_file() -> None:
    ran = subprocess.run(
        ["docker", "compose", "config", "--quiet"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert (ran.returncode, ran.stderr) == (0, "")


def test_every_service_that_stays_has_a_health_check(services: dict[str, dict[str, Any]]) -> None:
    assert {name for name, service in services.items() if "healthcheck" not in service} == ONE_SHOT


def test_ports_are_published_on_loopback_only(services: dict[str, dict[str, Any]]) -> None:
    published = [port for service in services.values() for port in service.get("ports", [])]

    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_no_secret_is_written_down(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        for key, value in service.get("environment", {}).items():
            if any(word in key for word in ("PASSWORD", "SECRET", "KEY", "TOKEN", "CONN")):
                by_reference = str(value).startswith(("/", "cat /", "${"))
                assert by_reference, f"{name}: {key} holds its value; let it name a file"


def test_our_services_drop_every_capability(services: dict[str, dict[str, Any]]) -> None:
    ours = {name: service for name, service in services.items() if name != "postgres"}

    assert {name for name, service in ours.items() if service.get("cap_drop") != ["ALL"]} == set()
