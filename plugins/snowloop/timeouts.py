"""After which time a wait for Snowflake, a task and a run of a DAG end; environment variables change each."""

import os
from dataclasses import dataclass, fields
from typing import Any, Self

from snowloop.errors import SnowloopError


@dataclass(frozen=True)
class Timeouts:
    """The time-outs, in seconds; SNOWLOOP_LOGIN_TIMEOUT and so on in the environment change them.

    Args:
        login: For how long a login is tried again.
        socket: How long one request may take until its answer. Snowflake answers one about a longer statement within
            45 seconds, that it is under way, and is asked again.
        network: For how long a request that fails is tried again. The connector cancels a statement after it, too, so
            it is also the longest time of one statement.
        task: How long a task of a DAG may run.
        run: How long a run of a DAG may take, waits for a person aside.
    """

    login: int = 120
    socket: int = 120
    network: int = 6 * 3600
    task: int = 24 * 3600
    run: int = 7 * 24 * 3600

    @classmethod
    def declared(cls) -> Self:
        """The time-outs that hold in this process.

        Raises:
            SnowloopError: if a variable is not a whole number above 0.
        """
        declared = {}
        for field in fields(cls):
            variable = f"SNOWLOOP_{field.name.upper()}_TIMEOUT"
            text = os.environ.get(variable, str(field.default))
            if not (text.isascii() and text.isdigit() and int(text)):
                message = f"{variable} is '{text}': set it to a whole number of seconds above 0, or unset it"
                raise SnowloopError(message)
            declared[field.name] = int(text)
        return cls(**declared)

    def connection(self) -> dict[str, Any]:
        """Keyword arguments of the connector (https://docs.snowflake.com/en/developer-guide/python-connector/python-connector-api)."""
        return {"login_timeout": self.login, "socket_timeout": self.socket, "network_timeout": self.network}
