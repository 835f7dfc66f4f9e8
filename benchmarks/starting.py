"""How long a server with data takes until it answers, next to what it cannot do without."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import snowflake.connector

from benchmarks.server import running

REPEATS = 3
TABLES = 200
_BARE = "import sys, duckdb, snowflake.connector; duckdb.connect(sys.argv[1]).execute('SELECT 1').fetchall()"


@dataclass(frozen=True)
class Start:
    """Medians in seconds.

    Attributes:
        ready: Of a server over a data directory with ``TABLES`` tables, until it says that it is ready.
        bare: Of Python that imports duckdb and snowflake.connector, and opens the same file.
    """

    ready: float
    bare: float


def start(folder: Path) -> Start:
    """Fill a data directory, then start the server and the bare process by turns."""
    with running(folder) as server, snowflake.connector.connect(**server.connection()) as connection:
        cursor = connection.cursor()
        cursor.execute("CREATE DATABASE STARTING")
        for number in range(TABLES):
            cursor.execute(f"CREATE TABLE T{number} AS SELECT {number} AS N")
    database = next(folder.glob("*.duckdb"))
    ready, bare = [], []
    for _ in range(REPEATS):
        began = time.perf_counter()
        with running(folder):
            ready.append(time.perf_counter() - began)
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", _BARE, str(database)], check=True)
        bare.append(time.perf_counter() - began)
    return Start(median(ready), median(bare))
