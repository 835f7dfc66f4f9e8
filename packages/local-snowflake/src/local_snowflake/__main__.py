"""``python -m local_snowflake``: serve an account kept in a directory, print how to connect, check it, copy it."""

import argparse
import json
import logging
import math
import os
import subprocess
import sys
import tempfile
import webbrowser
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import duckdb

from local_snowflake.account import DEFAULT_NAME, AccountSettings
from local_snowflake.catalog.inspection import InUseError, backup, check
from local_snowflake.catalog.storage import DamagedDirectoryError, is_locked
from local_snowflake.protocol.connection import connection_arguments, console_address
from local_snowflake.protocol.routes import ANSWER_SECONDS
from local_snowflake.protocol.serve import ServerFailedError, UnusableFileError, serve
from local_snowflake.python.isolation import probe, worker_environment
from local_snowflake.sessions.idle import IdleLimits
from local_snowflake.testing import LocalSnowflake

DEFAULT_USER = "snowloop"
_HIGHEST_PORT = 65_535
SETTINGS = ("account", "user", "password", "host", "port", "protocol")
"""The settings of a connection that a program gets by SNOWFLAKE_<name> in its environment."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    options = _parser().parse_args(arguments)
    if options.command in {"check", "backup"}:
        return _inspect(options)
    if options.command == "run":
        return _run(options.data_dir, options.program)
    if options.command == "connection":
        return _connection(options.data_dir)
    if options.command == "console":
        return _console(options.data_dir, open_it=options.open)
    return _serve(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local_snowflake", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("serve", help="serve the account in a data directory until SIGINT or SIGTERM")
    run.add_argument("--data-dir", type=Path, required=True, help="everything is kept here; made if it is not there")
    run.add_argument("--port", type=_port, default=0, help="HTTPS port; 0: a free one (default)")
    run.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1, this machine only)")
    run.add_argument("--hostname", action="append", default=[], help="another name for the certificate; repeatable")
    run.add_argument("--user", default=DEFAULT_USER, help="the account's one user (default: %(default)s)")
    run.add_argument("--account", default=DEFAULT_NAME, help="the account's name (default: %(default)s)")
    run.add_argument(
        "--enforce-privileges",
        action="store_true",
        help="a session may only do what is granted to its roles (default: grants are recorded, and restrict nobody)",
    )
    run.add_argument(
        "--idle-transaction-seconds",
        type=_seconds,
        default=IdleLimits.transaction,
        help="an open transaction of which nothing was heard for so long is rolled back if others wait for it",
    )
    run.add_argument(
        "--idle-session-seconds",
        type=_seconds,
        default=IdleLimits.session,
        help="a session of which nothing was heard for so long ends",
    )
    run.add_argument(
        "--answer-seconds",
        type=_seconds,
        default=ANSWER_SECONDS,
        help="after how long a statement's client is asked to come back later (default: %(default)g)",
    )
    run.add_argument(
        "--log-level",
        type=str.upper,
        choices=("DEBUG", "INFO", "WARNING", "ERROR"),
        default="WARNING",
        help="DEBUG logs every statement with its values and its time; no other level logs a value",
    )
    show = commands.add_parser("connection", help="print the keyword arguments for snowflake.connector.connect as JSON")
    show.add_argument("--data-dir", type=Path, required=True, help="the data directory of a running server")
    page = commands.add_parser("console", help="print the address of the page that shows the account and what ran")
    page.add_argument("--data-dir", type=Path, required=True, help="the data directory of a running server")
    page.add_argument("--open", action="store_true", help="open it in the browser, too")
    around = commands.add_parser(
        "run", help="serve while a command runs, which finds the server by SNOWFLAKE_ACCOUNT, SNOWFLAKE_HOST and so on"
    )
    around.add_argument("--data-dir", type=Path, help="the data directory; by default one that is deleted at the end")
    around.add_argument("program", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="the command, and what it gets")
    look = commands.add_parser(
        "check", help="list what is in a stopped server's directory, what is damaged, how handlers run"
    )
    look.add_argument("--data-dir", type=Path, required=True, help="the data directory; nothing in it is changed")
    copy = commands.add_parser("backup", help="copy a stopped server's data directory, and check the copy")
    copy.add_argument("--data-dir", type=Path, required=True, help="the data directory of a stopped server")
    copy.add_argument("--to", type=Path, required=True, help="the copy: a directory that is made")
    return parser


def _port(text: str) -> int:
    if not (text.isdecimal() and int(text) <= _HIGHEST_PORT):
        raise argparse.ArgumentTypeError(f"{text!r} is no port: a number from 0 to {_HIGHEST_PORT}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return seconds


def _serve(options: argparse.Namespace) -> int:
    """Serve until a signal comes; 1 if the directory cannot be served."""
    logging.basicConfig(level=options.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    limits = IdleLimits(options.idle_transaction_seconds, options.idle_session_seconds)
    try:
        serve(
            options.data_dir,
            options.host,
            options.port,
            options.hostname,
            user=options.user,
            settings=AccountSettings(options.account, limits, options.enforce_privileges),
            answer_seconds=options.answer_seconds,
        )
    except (DamagedDirectoryError, ServerFailedError, UnusableFileError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    except duckdb.Error as error:
        why = "is it served by another process already?" if is_locked(error) else "it is damaged, or the disk is full."
        print(f"Cannot open {options.data_dir}: {why} {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"Cannot serve {options.data_dir}: {error}", file=sys.stderr)
        return 1
    return 0


def _connection(data_dir: Path) -> int:
    try:
        print(json.dumps(connection_arguments(data_dir), indent=2))
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _console(data_dir: Path, *, open_it: bool) -> int:
    try:
        address = console_address(data_dir)
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 1
    print(address)
    if open_it and not webbrowser.open(address):
        print("No browser could be started here: open the address yourself.", file=sys.stderr)
    return 0


def _run(data_dir: Path | None, program: Sequence[str]) -> int:
    """Serve a directory, or a temporary one, while a program runs; its exit code."""
    program = program[1:] if program[:1] == ["--"] else program
    if not program:
        print("no command: write it after --, such as: run -- pytest", file=sys.stderr)
        return 2
    place = nullcontext(str(data_dir)) if data_dir else tempfile.TemporaryDirectory(prefix="local-snowflake-")
    with place as directory:
        server = LocalSnowflake(Path(directory))
        try:
            settings = server.start().connection()
            found = {f"SNOWFLAKE_{name.upper()}": str(settings[name]) for name in SETTINGS}
            others = {name: value for name, value in os.environ.items() if not name.startswith("SNOWFLAKE_")}
            return subprocess.run(program, env=others | found, check=False).returncode
        except (RuntimeError, OSError) as error:
            print(f"Cannot run {program[0]}: {error}", file=sys.stderr)
            return 1
        finally:
            server.stop()


def _inspect(options: argparse.Namespace) -> int:
    """``check`` and ``backup``: 0 if there is no damage."""
    try:
        if options.command == "check":
            report = check(options.data_dir)
        else:
            report = backup(options.data_dir, options.to)
            print(f"{options.data_dir} was copied to {options.to}.")
    except (InUseError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print(report.text())
    if options.command == "check":
        print(probe(worker_environment()).description())
    return 1 if report.damage else 0


if __name__ == "__main__":
    sys.exit(main())
