"""The deployment lock of a world: who holds it, and what the time and another process do to it."""

from typing import Any

from snowloop.lifecycle.deployment import lock
from tests.support.world import World


def holder(world: World) -> Any:
    """Who holds the lock; None: nobody."""
    return world.value("SELECT HOLDER FROM {db}.OPS.DEPLOYMENT_LOCK")


def expire(world: World) -> None:
    """The time of a lease passes."""
    world.rows("UPDATE {db}.OPS.DEPLOYMENT_LOCK SET EXPIRES_AT = DATEADD('second', -1, SYSDATE())")


def as_another_process() -> None:
    """Forget the leases whose release was lost: only the process that acquired one may give it back later."""
    lock._NOT_RELEASED.clear()
