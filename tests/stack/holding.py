"""A command that uses a state directory and has started a process: ``python -m tests.stack.holding STATE_DIR``.

It says its child's number when it is ready, and waits for a signal. With ``deaf`` it hears none; with ``hand over`` its
child takes the directory over and it ends.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from stack.holder import hold, inherit
from stack.processes import END_SIGNALS, ProcessId, on_end_signals, start
from stack.state import State

SLEEP = "import time; time.sleep(600)"


def main(directory: str, how: str = "") -> None:
    state = State(Path(directory)).prepare()
    if how.isdigit():
        inherit(state, int(how))
        print("inherited", flush=True)
        time.sleep(600)
    on_end_signals(KeyboardInterrupt)
    with hold(state, "run") as held:
        child = _child(state, how, held.lock)
        held.add("child", ProcessId.of(child.pid))
        print(child.pid, flush=True)
        if how == "hand over":
            held.hand_over()
            return
        if how == "deaf":
            _hear_nothing()
        time.sleep(600)


def _child(state: State, how: str, lock: int):
    log = state.logs / "child.log"
    if how == "hand over":
        return start(
            [sys.executable, "-m", "tests.stack.holding", str(state.root), str(lock)], log=log, pass_fds=[lock]
        )
    return start([sys.executable, "-c", SLEEP], log=log)


def _hear_nothing() -> None:
    import signal

    for number in END_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


if __name__ == "__main__":
    main(*sys.argv[1:])
