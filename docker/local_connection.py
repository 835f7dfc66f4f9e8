"""Print AIRFLOW_CONN_SNOWFLAKE_DEFAULT for the local Snowflake of the compose stack."""

import json
import os
import sys
from pathlib import Path


def connection(token: str, host: str, port: int) -> dict[str, object]:
    """Describe the connection in the form that Airflow reads.

    Args:
        token: the password of the local Snowflake.
        host: its name in the stack's network.
        port: its HTTPS port.

    Returns:
        The connection: revocation checks are off, for a certificate that the server made itself has none.
    """
    extra = {"account": "local", "role": "SYSADMIN", "host": host, "port": port, "insecure_mode": True}
    return {"conn_type": "snowflake", "login": "snowloop", "password": token, "extra": extra}


if __name__ == "__main__":
    name = os.environ.get("LOCAL_SNOWFLAKE_HOST", "local-snowflake")
    number = int(os.environ.get("LOCAL_SNOWFLAKE_PORT", "8443"))
    print(json.dumps(connection(Path(sys.argv[1]).read_text().strip(), name, number)))
