"""Many clients with mixed work at once: errors, times of answers, and whether the memory stays as it is."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import snowflake.connector

from benchmarks.server import Server

CLIENTS = 16
SETTLED = 0.2
"""The share of the time after which the memory is taken as that of a server at work."""


@dataclass
class Clients:
    """What the clients saw.

    Attributes:
        seconds: How long they worked.
        answers: Seconds of each answer.
        errors: What failed, in words.
        before: Resident memory of the server in bytes once it was at work.
        after: The same at the end.
    """

    seconds: float
    answers: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    before: int = 0
    after: int = 0

    def percentile(self, share: float) -> float:
        """The seconds within which so many of the answers came."""
        return float(np.quantile(self.answers, share))


def mixed_work(server: Server, seconds: float) -> Clients:
    """Let ``CLIENTS`` sessions read, insert, update, merge, and create and drop tables for so many seconds."""
    found = Clients(seconds)
    connection = server.connection()
    with snowflake.connector.connect(**connection) as first:
        first.cursor().execute("CREATE OR REPLACE DATABASE CLIENTS")
        first.cursor().execute("CREATE TABLE T (CLIENT INT, N INT, TEXT VARCHAR)")
        end = time.perf_counter() + seconds
        threads = [
            threading.Thread(target=_client, args=(connection, number, end, found), daemon=True)
            for number in range(CLIENTS)
        ]
        for thread in threads:
            thread.start()
        time.sleep(seconds * SETTLED)
        found.before = server.resident()
        for thread in threads:
            thread.join()
        found.after = server.resident()
        first.cursor().execute("DROP DATABASE CLIENTS")
    return found


def _client(connection: dict[str, Any], number: int, end: float, found: Clients) -> None:
    count = number  # so that no two do the same at the same time
    try:
        with snowflake.connector.connect(**connection, database="CLIENTS", schema="PUBLIC") as session:
            cursor = session.cursor()
            while time.perf_counter() < end:
                count += 1
                statement = _STATEMENTS[count % len(_STATEMENTS)].format(client=number, n=count % 50)
                began = time.perf_counter()
                cursor.execute(statement)
                cursor.fetchall()
                found.answers.append(time.perf_counter() - began)
    except snowflake.connector.Error as error:
        found.errors.append(f"client {number}: {error}")


_STATEMENTS = (
    "SELECT COUNT(*), MAX(N), MIN(TEXT) FROM T WHERE CLIENT = {client}",
    "SELECT CLIENT, COUNT(*) FROM T GROUP BY CLIENT ORDER BY CLIENT",
    "SELECT N, ROW_NUMBER() OVER (ORDER BY N DESC) FROM T WHERE CLIENT = {client} LIMIT 20",
    "INSERT INTO T SELECT {client}, {n}, 'text ' || {n}",
    "UPDATE T SET N = N + 1 WHERE CLIENT = {client} AND N = {n}",
    """MERGE INTO T USING (SELECT {client} AS C, {n} AS M) AS S ON T.CLIENT = S.C AND T.N = S.M
    WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (C, M, 'merged')""",
    "CREATE OR REPLACE TABLE OWN_{client} AS SELECT * FROM T WHERE CLIENT = {client}",
    "SHOW TABLES IN SCHEMA CLIENTS.PUBLIC",
)
