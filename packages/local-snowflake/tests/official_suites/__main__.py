"""``python -m tests.official_suites``: the official libraries' integration tests against the local Snowflake.

The suites come from checkouts that the user supplies, eg: of github.com/snowflakedb/snowpark-python; nothing of them is
kept here. Each module runs alone, against a server of its own.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.official_suites.outcome import Outcome, frequent, read_report, table
from tests.official_suites.suites import ML, SNOWPARK, Suite, copy_suite, environment, install_packages

from local_snowflake.testing import LocalSnowflake

_PACKAGES = Path(__file__).resolve().parents[2] / ".local" / "official-suites"
_DATABASE, _SCHEMA, _WAREHOUSE = "OFFICIAL_SUITES", "PUBLIC", "OFFICIAL_SUITES_WH"


def main() -> int:
    """Run what the command line asks for, print the sums; returns 0 whatever they are."""
    given = _arguments()
    packages = install_packages(_PACKAGES)
    outcomes = []
    for suite, checkout in ((SNOWPARK, given.snowpark), (ML, given.ml)):
        for module in suite.modules if checkout else ():
            if given.only and not any(word in module for word in given.only):
                continue
            outcome = run_module(suite, checkout, module, packages, given)
            outcomes.append(outcome)
            sums = f"{outcome.passed} passed, {outcome.failed} failed, {outcome.skipped} skipped {outcome.note}"
            print(f"{suite.name} {module}: {sums}", flush=True)
            if given.errors and outcome.errors:
                print(frequent([outcome], given.errors), flush=True)
    print("\n" + table(outcomes) + "\n\nMost frequent failures:\n" + frequent(outcomes), flush=True)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.official_suites", description=__doc__)
    parser.add_argument("--snowpark", type=Path, help="a checkout of snowpark-python")
    parser.add_argument("--ml", type=Path, help="a checkout of snowflake-ml-python")
    parser.add_argument("--only", nargs="*", help="run modules whose names hold one of these words")
    parser.add_argument("--timeout", type=int, default=60, help="seconds for a test (default 60)")
    parser.add_argument("--module-timeout", type=int, default=1800, help="seconds for a module (default 1800)")
    parser.add_argument("--errors", type=int, default=0, help="print so many of the failures of each module")
    given = parser.parse_args()
    if not given.snowpark and not given.ml:
        parser.error("name a checkout: --snowpark or --ml")
    return given


def run_module(suite: Suite, checkout: Path, module: str, packages: Path, given: argparse.Namespace) -> Outcome:
    """Run one module of a suite against a new server.

    Args:
        suite: the suite.
        checkout: the user's checkout of it.
        module: the file below the suite's folder.
        packages: what the suites import besides.
        given: the time limits.
    """
    with tempfile.TemporaryDirectory(prefix="official-suites-") as temporary:
        work = Path(temporary)
        server = LocalSnowflake(work / "data", packages).start()
        try:
            connection = _prepare(server)
            copy_suite(suite, checkout, work, connection)
            report = work / "report.xml"
            command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly"]
            command += [f"--timeout={given.timeout}", f"--junitxml={report}", *suite.options]
            command.append(f"{suite.folder}/{module}")
            log = (work / "log.txt").open("w")
            _run(command, work, environment(work, packages, connection), given.module_timeout, log)
            outcome = read_report(module, report)
            if outcome.note or not outcome.passed + outcome.failed + outcome.skipped:
                print((work / "log.txt").read_text()[-2000:], file=sys.stderr)
            return outcome
        finally:
            server.stop()


def _run(command: list[str], work: Path, variables: dict[str, str], seconds: int, log: object) -> None:
    try:
        subprocess.run(  # type: ignore[call-overload]
            command, cwd=work, env=variables, timeout=seconds, stdout=log, stderr=subprocess.STDOUT, check=False
        )
    except subprocess.TimeoutExpired:
        print(f"stopped after {seconds} s: {command[-1]}", file=sys.stderr)


def _prepare(server: LocalSnowflake) -> dict[str, object]:
    """Make the database and the warehouse that the suites work in; returns how to connect to them."""
    import snowflake.connector

    plain = server.connection()
    with snowflake.connector.connect(**plain) as made:
        made.cursor().execute(f"CREATE DATABASE {_DATABASE}")
        made.cursor().execute(f"CREATE WAREHOUSE {_WAREHOUSE}")
    return plain | {"database": _DATABASE, "schema": _SCHEMA, "warehouse": _WAREHOUSE, "role": "ACCOUNTADMIN"}


if __name__ == "__main__":
    sys.exit(main())
