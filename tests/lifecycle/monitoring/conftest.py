"""What the tests of monitoring share: an environment, whose tables of monitoring each test leaves empty."""

from collections.abc import Iterator

import pytest
from snowflake.snowpark import Session

from snowloop.lifecycle.data.environment import create_environment
from snowloop.project import Alerts, load_project
from snowloop.workspace import Workspace

TABLES = (
    "MONITORING_CHECKS", "ALERTS", "ALERT_EVENTS", "ALERT_DELIVERIES", "RUNS", "LOADS", "CONTRACT_CHECKS",
    "RETRAININGS", "VERDICTS",
)  # fmt: skip


@pytest.fixture(scope="package")
def environment(session: Session) -> Workspace:
    project = load_project("diabetes_progression")
    quiet = project.monitoring.model_copy(update={"alerts": Alerts(silent_after={})})
    made = Workspace(session, project.model_copy(update={"monitoring": quiet}), "alerts")
    create_environment(made)
    return made


@pytest.fixture
def workspace(environment: Workspace) -> Iterator[Workspace]:
    yield environment
    for table in TABLES:
        environment.session.sql(f"DELETE FROM {environment.database}.OPS.{table}").collect()
