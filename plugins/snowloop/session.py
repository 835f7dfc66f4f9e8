"""A Snowpark session, from an Airflow connection, a name in connections.toml, or keyword arguments."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from snowflake.snowpark import Session


@contextmanager
def snowpark_session(
    *,
    airflow_connection: str | None = None,
    connection_name: str | None = None,
    options: Mapping[str, Any] | None = None,
    query_tag: str | None = None,
) -> Iterator["Session"]:
    """Open a session, and close it at the end.

    Args:
        airflow_connection: Id of an Airflow connection, read by the stock SnowflakeHook.
        connection_name: Name of a connection in Snowflake's connections.toml.
        options: Keyword arguments as for ``Session.builder.configs``.
        query_tag: Text that Snowflake stores with each query of the session.

    Yields:
        The session.

    Raises:
        ValueError: unless exactly one of the first three is set.
    """
    if sum(each is not None for each in (airflow_connection, connection_name, options)) != 1:
        message = "give exactly one of airflow_connection, connection_name and options to open a Snowpark session"
        raise ValueError(message)
    session = _open(airflow_connection, connection_name, options)
    try:
        if query_tag:
            session.query_tag = query_tag
        yield session
    finally:
        session.close()


def _open(airflow_connection: str | None, connection_name: str | None, options: Mapping[str, Any] | None) -> "Session":
    if airflow_connection is not None:
        from airflow.providers.snowflake.hooks.snowflake import SnowflakeHook

        session: Session = SnowflakeHook(snowflake_conn_id=airflow_connection).get_snowpark_session()
        return session
    from snowflake.snowpark import Session as SnowparkSession

    if connection_name is not None:
        return SnowparkSession.builder.config("connection_name", connection_name).create()
    return SnowparkSession.builder.configs(dict(options or {})).create()
