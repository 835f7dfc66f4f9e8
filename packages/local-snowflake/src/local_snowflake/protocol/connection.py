"""How to connect to a running server, from what it wrote into its data directory; imports nothing of the server."""

import json
from pathlib import Path
from typing import Any

STATE = "server.json"
LOOPBACK = "127.0.0.1"
TOKEN = "token"  # noqa: S105 (the name of the file)
CONSOLE = "/console"


def connection_arguments(data_dir: Path) -> dict[str, Any]:
    """Keyword arguments for ``snowflake.connector.connect`` and ``Session.builder.configs``.

    They use the plain HTTP listener on loopback, which needs no trust in the certificate.

    Raises:
        FileNotFoundError: if no server runs on the directory.
    """
    state = data_dir / STATE
    if not state.exists():
        raise FileNotFoundError(
            f"No server runs on {data_dir}: there is no {STATE}. "
            f"Start one with: python -m local_snowflake serve --data-dir {data_dir}"
        )
    try:
        server = json.loads(state.read_text())
        account, user, port = (server[key] for key in ("account", "user", "http_port"))
        password = (data_dir / TOKEN).read_text().strip()
    except (ValueError, TypeError, KeyError):
        raise FileNotFoundError(f"{state} or {data_dir / TOKEN} is damaged: start the server again.") from None
    return {
        "account": account,
        "user": user,
        "password": password,
        "host": LOOPBACK,
        "port": port,
        "protocol": "http",
        "session_parameters": {"CLIENT_OUT_OF_BAND_TELEMETRY_ENABLED": False},
    }


def console_address(data_dir: Path) -> str:
    """The address of a running server's console, with the token behind ``#``, which a browser sends to nobody.

    Raises:
        FileNotFoundError: if no server runs on the directory.
    """
    arguments = connection_arguments(data_dir)
    return f"http://{arguments['host']}:{arguments['port']}{CONSOLE}#token={arguments['password']}"
