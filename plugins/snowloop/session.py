"""A Snowpark session, from an Airflow connection, a name in connections.toml, or keyword arguments."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from snowloop.timeouts import Timeouts

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
        return airflow_session(airflow_connection)
    from snowflake.snowpark import Session as SnowparkSession

    timeouts = Timeouts.declared().connection()
    if connection_name is not None:
        return SnowparkSession.builder.configs({**timeouts, "connection_name": connection_name}).create()
    return SnowparkSession.builder.configs({**timeouts, **(options or {})}).create()


def airflow_session(connection_id: str, timeouts: Timeouts | None = None) -> "Session":
    """Open the session of an Airflow connection with the stock SnowflakeHook, which knows no time-outs.

    Args:
        connection_id: Id of the connection.
        timeouts: The time-outs; None: those declared.

    Returns:
        The session; whoever opened it closes it.
    """
    from airflow.providers.snowflake.hooks.snowflake import SnowflakeHook

    class Hook(SnowflakeHook):
        def _get_conn_params(self) -> dict[str, Any]:
            return {**(timeouts or Timeouts.declared()).connection(), **super()._get_conn_params()}

    session: Session = Hook(snowflake_conn_id=connection_id).get_snowpark_session()
    return session
