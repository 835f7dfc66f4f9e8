"""The deployment lock: whoever changes an environment excludes all others, by a lease in OPS.DEPLOYMENT_LOCK.

The holder of a lease that is killed cannot keep the lock: when the lease expires another one may acquire it.
"""

import getpass
import os
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from snowflake.connector.errors import Error
from snowflake.snowpark.exceptions import SnowparkClientException, SnowparkSQLException

from snowloop.errors import DeploymentError, EnvironmentBusy, transport_errors
from snowloop.sql import identifier, render
from snowloop.workspace import Workspace

QUERIES = "deployment/lock.sql"
LEASE_SECONDS = 900
"""How long a lease lasts; longer than any single statement of a deployment."""
RENEWED_AFTER = 60.0
"""How old a lease is, in seconds, before a holder that goes on renews it: short work sends nothing for that."""
DOES_NOT_EXIST = 2003
"""https://docs.snowflake.com/en/developer-guide/snowflake-scripting/exceptions: 002003, object does not exist."""


_NOT_RELEASED: set[str] = set()
"""Holders of this process whose acquiring or releasing lost its answer with the connection: none of them works on."""


@dataclass
class Lease:
    """The right to change an environment, for some time.

    Args:
        workspace: The environment.
        doing: What is done with it, for whoever finds it held.
        holder: A name that no other holder has: the process; Snowflake adds the user.
        held: Whether it is held; not while the environment has no lock yet.
        renewed: When it was renewed last, by this machine's monotonic clock.
    """

    workspace: Workspace
    doing: str
    holder: str
    held: bool = False
    renewed: float = 0.0

    def acquire(self) -> None:
        """Acquire the lock, if there is one and it is not held already.

        Raises:
            EnvironmentBusy: if another holder has it; the message has who, since when, and what to do.
            snowflake.snowpark.exceptions.SnowparkSQLException: if the role may not write OPS.DEPLOYMENT_LOCK.
        """
        if self.held:
            return
        try:
            rows = self._write("acquire", doing=self.doing, seconds=LEASE_SECONDS)
        except SnowparkSQLException as error:
            if str(error.sql_error_code) == str(DOES_NOT_EXIST):
                return
            raise
        if not rows and self._released_late():
            rows = self._write("acquire", doing=self.doing, seconds=LEASE_SECONDS)
        if not rows:
            where = self.workspace.database
            message = f"{self.doing} needs the lock of {where}, and nothing was changed: {self._busy()}"
            raise EnvironmentBusy(message)
        self.held, self.renewed = True, time.monotonic()
        _NOT_RELEASED.discard(self.holder)  # an environment that is new had no lock at first

    def keep(self) -> None:
        """Renew the lease, if it is held and no longer young.

        Raises:
            DeploymentError: if it expired and another one has acquired the lock since.
        """
        if not self.held or time.monotonic() - self.renewed < RENEWED_AFTER:
            return
        if not self._write("renew", seconds=LEASE_SECONDS):
            self.held = False
            message = (
                f"the lease of {self.doing} on {self.workspace.database} expired, and another one may have changed the "
                f"environment since: {self._busy()}"
            )
            raise DeploymentError(message)
        self.renewed = time.monotonic()

    def release(self) -> None:
        """Give the lock back, if it is held."""
        if self.held:
            self.held = False
            self._write("release")

    def creates(self, statement: str) -> bool:
        """Whether a statement creates the table of the lock."""
        return identifier(self.workspace.database, "OPS", "DEPLOYMENT_LOCK") in statement

    def _released_late(self) -> bool:
        """Whether an earlier lease of this process, whose release was lost with the connection, had the lock."""
        for holder in list(_NOT_RELEASED):
            if Lease(self.workspace, self.doing, holder)._write("release"):  # of this environment
                _NOT_RELEASED.discard(holder)
                return True
        return False

    def _write(self, query: str, **values: object) -> int:
        try:
            return int(self.workspace.run(f"{QUERIES}#{query}", holder=self.holder, **values)[0][0])
        except BaseException:
            if not self.held:
                _NOT_RELEASED.add(self.holder)
            raise

    def _busy(self) -> str:
        table = identifier(self.workspace.database, "OPS", "DEPLOYMENT_LOCK")
        rows = self.workspace.run(f"{QUERIES}#holder")
        if not rows:
            return f"{table} has no row: INSERT INTO {table} (HOLDER) SELECT NULL, and run the same command again"
        holder, user, doing, since, expires = rows[0]
        if holder is None:
            return "it is free by now: run the same command again"
        return (
            f"{user} ({holder}) holds it for {doing}, since {since:%Y-%m-%d %H:%M} UTC: wait, and run the same command "
            f"again. If that process is gone, its lease ends at {expires:%Y-%m-%d %H:%M} UTC; to free it sooner: "
            f"{render(f'{QUERIES}#free', database=self.workspace.database)}"
        )


@contextmanager
def deployment_lock(workspace: Workspace, doing: str) -> Iterator[Lease]:
    """Hold the lock of an environment for some work; two statements, unless the work takes longer than a minute.

    An environment that does not exist yet, or is of an earlier release, has no lock: whoever creates it acquires it.

    Args:
        workspace: The environment.
        doing: The work in a few words, such as ``apply``.

    Yields:
        The lease, which long work keeps.

    Raises:
        EnvironmentBusy: if another one holds it; nothing was done.
    """
    process = f"OS user {getpass.getuser()}, host {socket.gethostname()}, process {os.getpid()}"
    lease = Lease(workspace, doing, f"{process}, {uuid.uuid4().hex[:8]}")
    lease.acquire()
    try:
        yield lease
    except BaseException:
        # the error of the work is what counts; the lease expires
        with suppress(Error, SnowparkClientException, *transport_errors()):
            lease.release()
        raise
    lease.release()
