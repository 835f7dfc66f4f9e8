"""A command that uses a state directory and has started a process: ``python -m tests.stack.holding STATE_DIR``.

It prints its child's number when it is ready, and waits for a signal. With ``deaf`` it ignores all signals.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from stack.holder import hold
from stack.processes import END_SIGNALS, ProcessId, on_end_signals, start
from stack.state import State

SLEEP = "import time; time.sleep(600)"


def main(directory: str, how: str = "") -> None:
    state = State(Path(directory)).prepare()
    on_end_signals(KeyboardInterrupt)
    with hold(state, "run") as held:
        child = start([sys.executable, "-c", SLEEP], log=state.logs / "child.log")
        held.add("child", ProcessId.of(child.pid))
        print(child.pid, flush=True)
        if how == "deaf":
            _ignore_signals()
        time.sleep(600)


def _ignore_signals() -> None:
    import signal

    for number in END_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


if __name__ == "__main__":
    main(*sys.argv[1:])
