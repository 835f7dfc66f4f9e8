"""Work that is done again and again in the background."""

import logging
import threading
from collections.abc import Callable

logger = logging.getLogger(__name__)


class PeriodicThread:
    """A daemon thread that calls a function at once and then every so often; a failure is logged and ends nothing."""

    def __init__(self, name: str, seconds: float, work: Callable[[], None]) -> None:
        """Prepare the thread ``name``, which calls ``work`` and pauses for ``seconds`` after each call."""
        self._seconds = seconds
        self._work = work
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin with the first call."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the call that is under way."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._work()
            except Exception:
                # a thread that ended silently would leave locks held and history growing for ever
                logger.exception("%s failed; the next attempt is in %.0f s", self._thread.name, self._seconds)
            self._stopped.wait(self._seconds)
