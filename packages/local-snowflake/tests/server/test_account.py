"""The name of an account: two servers are two accounts."""

from pathlib import Path

import snowflake.connector

from local_snowflake.testing import LocalSnowflake


def test_a_server_answers_with_the_name_of_its_account(tmp_path: Path) -> None:
    server = LocalSnowflake(tmp_path / "data", options=["--account", "Other"]).start()
    try:
        assert server.connection()["account"] == "other"
        with snowflake.connector.connect(**server.connection()) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT CURRENT_ACCOUNT(), CURRENT_ACCOUNT_NAME()")
            assert cursor.fetchone() == ("OTHER", "OTHER")
    finally:
        server.stop()
