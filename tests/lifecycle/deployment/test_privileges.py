"""The statements of docs/snowflake-account.md, on a server that keeps out whoever lacks a privilege."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from snowflake.snowpark import Session
from snowflake.snowpark.exceptions import SnowparkSQLException

from local_snowflake.testing import LocalSnowflake
from snowloop.errors import SourceError
from snowloop.lifecycle.champion import ledger
from snowloop.lifecycle.champion.rollback import rollback
from snowloop.lifecycle.data.environment import create_environment
from snowloop.lifecycle.monitoring.monitor import monitor
from snowloop.lifecycle.monitoring.verify import verify
from snowloop.lifecycle.scoring import await_scores
from snowloop.lifecycle.versions import champion
from snowloop.workspace import Workspace
from tests.support.bank import bank, calls, create_table, insert
from tests.support.tiny import tiny
from tests.support.trial import Trial
from tests.support.world import World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

DOCS = Path(__file__).resolve().parents[3] / "docs"
ROLE = "SNOWLOOP_ROLE"


def page(part: str, file: str = "snowflake-account.md", **names: str) -> list[str]:
    """The statements of a page's script in which a text occurs, with other names in the place of the page's."""
    script = next(each for each in re.findall(r"```sql\n(.*?)```", (DOCS / file).read_text(), re.S) if part in each)
    for name, other in names.items():
        script = script.replace(name, other)
    return [each.strip() for each in re.sub(r"--[^\n]*", "", script).split(";") if each.strip()]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSnowflake]:
    made = LocalSnowflake(tmp_path_factory.mktemp("enforced") / "data", enforce_privileges=True).start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def administrator(server: LocalSnowflake) -> Iterator[Session]:
    with Session.builder.configs(server.connection()).create() as session:
        for statement in page("CREATE DATABASE", SNOWLOOP_SERVICE="SNOWLOOP"):
            session.sql(statement).collect()
        yield session


@pytest.fixture(scope="module")
def trial(server: LocalSnowflake, administrator: Session, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    """A champion that serves, made with the page's privileges."""
    made = Trial(tmp_path_factory.mktemp("granted"), 1, server, "granted", role=ROLE)
    made.prepare()
    yield made
    made.world.session.close()


def refusal(session: Session, statement: str) -> str:
    """Why a statement is refused."""
    with pytest.raises(SnowparkSQLException) as caught:
        session.sql(statement).collect()
    return str(caught.value)


def serve(trial: Trial) -> str:
    """Score new rows; the version that did."""
    trial.insert(trial.events(20))
    await_scores(trial.workspace, timeout=180)
    return str(trial.world.value("SELECT MODEL_VERSION FROM {db}.SERVING.SCORED ORDER BY SCORED_AT DESC LIMIT 1"))


def test_the_documented_privileges_are_enough_for_a_life_cycle(trial: Trial):
    workspace = trial.workspace
    first = champion(workspace)
    assert first
    assert trial.world.value("SELECT CURRENT_ROLE()") == ROLE
    assert serve(trial) == first.name
    trial.promote("tight")
    assert serve(trial) != first.name
    assert rollback(workspace).to_version == first.name
    assert serve(trial) == first.name
    monitor(workspace)
    assert verify(workspace).faults == ()
    assert create_environment(workspace).created == 0


@pytest.mark.parametrize("privilege", ["CREATE DATABASE", "CREATE ROLE"])
def test_an_environment_needs_the_documented_privileges(trial: Trial, administrator: Session, privilege: str):
    workspace = Workspace(trial.world.session, trial.project, f"without_{privilege.split()[1].lower()}")
    administrator.sql(f"REVOKE {privilege} ON ACCOUNT FROM ROLE {ROLE}").collect()
    try:
        with pytest.raises(SnowparkSQLException, match="Insufficient privileges to operate on account"):
            create_environment(workspace)
    finally:
        administrator.sql(f"GRANT {privilege} ON ACCOUNT TO ROLE {ROLE}").collect()
    create_environment(workspace)


def test_a_table_that_others_fill_needs_the_documented_grants(trial: Trial, administrator: Session):
    administrator.sql("CREATE DATABASE CRM_PROD").collect()
    create_table(administrator, "CRM_PROD.PUBLIC.CALLS", tracked=False)
    insert(administrator, "CRM_PROD.PUBLIC.CALLS", calls(1, 3))
    session = trial.world.session
    world = World(session, bank(table="CRM_PROD.PUBLIC.CALLS"), "granted")
    *grants, track = page("CRM_PROD", "your-own-data.md")
    for statement in grants:
        with pytest.raises(SourceError, match=rf"role {ROLE} may not read it.*GRANT SELECT ON TABLE"):
            create_environment(world.workspace)
        administrator.sql(statement).collect()
    create_environment(world.workspace)
    assert world.value("SELECT COUNT(*) FROM {db}.RAW.BANK") == 3
    stream = f"CREATE STREAM {world.database}.RAW.BANK_STREAM ON TABLE CRM_PROD.PUBLIC.CALLS APPEND_ONLY = TRUE"
    assert "Insufficient privileges" in refusal(session, stream)
    administrator.sql(track).collect()
    session.sql(stream).collect()
    insert(administrator, "CRM_PROD.PUBLIC.CALLS", calls(4, 5))
    assert world.value("SELECT COUNT(*) FROM {db}.RAW.BANK_STREAM") == 2
    for statement in ("DELETE FROM", "DROP TABLE"):
        assert "Insufficient privileges" in refusal(session, f"{statement} CRM_PROD.PUBLIC.CALLS")


def test_a_reader_reads_scores_and_nothing_else(trial: Trial, server: LocalSnowflake):
    database, reader = trial.world.database, f"{trial.world.database}_READER"
    trial.world.rows(f"GRANT ROLE {reader} TO USER SNOWLOOP")
    with Session.builder.configs(server.connection() | {"role": reader}).create() as session:
        for readable in ("SCORED", "LATEST_SCORES"):
            assert session.sql(f"SELECT COUNT(*) FROM {database}.SERVING.{readable}").collect()[0][0] > 0
        for hidden in ("SERVING.QUARANTINE", "RAW.EVENTS", "OPS.LEDGER", "OPS.VERDICTS"):
            assert "does not exist or not authorized" in refusal(session, f"SELECT * FROM {database}.{hidden}")
        assert "Insufficient privileges" in refusal(session, f"DELETE FROM {database}.SERVING.SCORED")
        assert {row["name"] for row in session.sql(f"SHOW TABLES IN DATABASE {database}").collect()} == {"SCORED"}


def test_the_ledger_is_append_only_by_right_once_the_page_has_been_run(trial: Trial, administrator: Session):
    workspace, database = trial.workspace, trial.world.database
    for table in ("LEDGER", "MODEL_FILES"):
        for statement in page("OPS.LEDGER", CHURN_PROD=database, LEDGER=table):
            administrator.sql(statement).collect()
    before = ledger.entries(workspace)
    trial.promote("tight")
    rollback(workspace)
    now = champion(workspace)
    assert now
    assert serve(trial) == now.name
    after = ledger.entries(workspace)
    assert after[: len(before)] == before
    assert [entry.action for entry in after[len(before) :]] == ["promote", "rollback"]
    for table, column in (("LEDGER", "REASON"), ("MODEL_FILES", "FILES")):
        name = f"{database}.OPS.{table}"
        for statement in (
            f"UPDATE {name} SET {column} = 'another'",
            f"DELETE FROM {name}",
            f"TRUNCATE TABLE {name}",
            f"INSERT OVERWRITE INTO {name} SELECT * FROM {name}",
            f"MERGE INTO {name} USING (SELECT 1 AS N) ON TRUE WHEN MATCHED THEN DELETE",
            f"ALTER TABLE {name} DROP COLUMN {column}",
            f"ALTER TABLE {name} RENAME TO {name}_OLD",
            f"DROP TABLE {name}",
            f"CREATE OR REPLACE TABLE {name} ({column} VARCHAR)",
            f"GRANT UPDATE ON TABLE {name} TO ROLE {ROLE}",
            f"GRANT OWNERSHIP ON TABLE {name} TO ROLE {ROLE} COPY CURRENT GRANTS",
            f"GRANT ROLE {database}_{table} TO ROLE {ROLE}",
        ):
            assert "nsufficient privileges" in refusal(trial.world.session, statement), statement
    assert ledger.entries(workspace) == after
    assert verify(workspace).faults == ()
    # plan and apply leave the tables alone
    assert create_environment(workspace).created == 0


def test_an_administrator_may_create_warehouse_database_and_role_instead(
    server: LocalSnowflake, administrator: Session, tmp_path: Path
):
    role, warehouse = "SNOWLOOP_GUEST", "GUEST_WH"
    database = tiny(tmp_path / "projects").database("given")
    for statement in (
        f"CREATE ROLE {role}",
        f"GRANT ROLE {role} TO USER SNOWLOOP",
        f"GRANT EXECUTE TASK ON ACCOUNT TO ROLE {role}",
        f"CREATE WAREHOUSE {warehouse}",
        f"CREATE DATABASE {database}",
        f"CREATE ROLE {database}_READER",
        f"GRANT USAGE ON WAREHOUSE {warehouse} TO ROLE {role}",
        f"GRANT OWNERSHIP ON DATABASE {database} TO ROLE {role}",
        f"GRANT OWNERSHIP ON ROLE {database}_READER TO ROLE {role}",
    ):
        administrator.sql(statement).collect()
    guest = Trial(tmp_path / "guest", 2, server, "given", role=role)
    environment = guest.project.environment.model_copy(update={"warehouse": warehouse})
    guest.project = guest.world.project = guest.project.model_copy(update={"environment": environment})
    guest.prepare()
    now = champion(guest.workspace)
    assert now
    assert serve(guest) == now.name
    guest.world.session.close()
