"""Faults that strike while a scoring statement is seen at work: the server, the procedure or the task is killed."""

import contextlib
import os
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import psutil
import requests
import snowflake.connector.errors
from snowflake.connector.vendored.requests.exceptions import RequestException
from snowflake.snowpark import Session
from snowflake.snowpark.exceptions import SnowparkClientException

from local_snowflake.testing import LocalSnowflake
from snowloop.errors import SnowloopError

CUT_OFF = (
    *(snowflake.connector.errors.Error, SnowparkClientException, SnowloopError),
    *(requests.RequestException, RequestException),
)
"""What a caller sees when the server or a process goes away under it."""
CALL, LOCK, READ, QUARANTINE, SCORED = "CALL", "LOCK", "READ", "QUARANTINE", "SCORED"
PHASES = (CALL, QUARANTINE, SCORED)
"""Where a scoring call is struck: anywhere, or at one of its statements that write."""
PATTERNS = {
    CALL: r"^CALL .*SCORE_",
    LOCK: r'^UPDATE .*"OPS"."REPAIR_LOCK" SET HOLDER',
    READ: r'^SELECT COUNT\(\*\) AS N FROM .*_STREAM"$',
    QUARANTINE: r'^\s*INSERT INTO .*"SERVING"\."QUARANTINE"$',
    SCORED: r'^\s*INSERT INTO .*"SERVING"\."SCORED"$',
}
PATIENCE = 20


@dataclass(frozen=True)
class Strike:
    """A fault, and when it strikes.

    Args:
        fault: ``server``, ``procedure`` or ``task``.
        phase: The statement that has to run then, one of ``PHASES``.
        delay: Seconds after it is seen.
        which: Of the processes that run handlers, the youngest first, those that are killed: the procedure or the
            model.
    """

    fault: str
    phase: str
    delay: float
    which: slice


def phases(session: Session, database: str) -> Counter[str]:
    """The phases in which scoring calls are at this moment."""
    texts = session.sql(
        f"SELECT QUERY_TEXT FROM TABLE({database}.INFORMATION_SCHEMA.QUERY_HISTORY(RESULT_LIMIT => 100)) "
        "WHERE EXECUTION_STATUS = 'RUNNING'"
    ).collect()
    return Counter(
        phase for phase, pattern in PATTERNS.items() for (text,) in texts if re.search(pattern, text, re.MULTILINE)
    )


class Striker(threading.Thread):
    """Looks out for the statement in a session of its own, and strikes."""

    def __init__(self, server: LocalSnowflake, session: Session, strike: Strike, database: str) -> None:
        super().__init__(daemon=True)
        self.server, self.session, self.strike, self.database = server, session, strike, database
        self.met = False

    def run(self) -> None:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and not self.met:
            self.met = self.strike.phase in phases(self.session, self.database)
        if self.met:
            time.sleep(self.strike.delay)
        {"server": self._server, "procedure": self._procedure, "task": self._task}[self.strike.fault]()
        with contextlib.suppress(*CUT_OFF):
            self.session.close()

    def _server(self) -> None:
        self.server.stop(signal.SIGKILL)

    def _procedure(self) -> None:
        """Handlers run in processes that lead a session, as what starts them does: that one is the server's child."""
        processes = psutil.Process(self.server.pid).children(recursive=True)
        handlers = [each for each in processes if os.getsid(each.pid) == each.pid and each.ppid() != self.server.pid]
        youngest = sorted(handlers, key=psutil.Process.create_time, reverse=True)
        for process in youngest[self.strike.which]:
            process.kill()

    def _task(self) -> None:
        self.session.sql(
            f"SELECT SYSTEM$USER_TASK_CANCEL_ONGOING_EXECUTIONS('{self.database}.SERVING.SCORE_NEW_ROWS')"
        ).collect()


class Scorer(threading.Thread):
    """Runs a scoring statement in a session of its own; what cut it off is kept."""

    def __init__(self, session: Session, statement: str) -> None:
        super().__init__(daemon=True)
        self.session, self.statement = session, statement
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self.session.sql(self.statement).collect()
        except CUT_OFF as error:
            self.error = error
        with contextlib.suppress(*CUT_OFF):
            self.session.close()


def survive(act: Callable[[], object]) -> Exception | None:
    """Do something that may be cut off; the error, if it was."""
    try:
        act()
    except CUT_OFF as error:
        return error
    return None
