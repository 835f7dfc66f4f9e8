"""Finds the rows at which a statement fails, by halves: a bounded number of statements."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

PYTHON_ERROR = 100357
"""Snowflake's number of an error that Python code raised inside it, such as that of a model."""
DATA_EXCEPTION = "22"
"""Class of the SQL states of values that an expression cannot take, such as a division by zero (ISO 9075-2)."""


@dataclass(frozen=True)
class Bisection:
    """What was found.

    Args:
        failed: The places at which the statement fails, in order, and why.
        calls: How many statements were executed.
        complete: Whether all places were attempted; not if there were too many statements, or failures.
    """

    failed: dict[int, Exception]
    calls: int
    complete: bool


@dataclass(frozen=True)
class _Part:
    """Places that wait.

    Args:
        low: First place.
        high: Last place.
        step: How many places are split off first, at most one half.
        failed_before: How many rows had failed before what it was split off from was attempted.
        of_failed: Whether a statement failed for the two together, so that one of them fails.
    """

    low: int
    high: int
    step: int
    failed_before: int = 0
    of_failed: bool = False

    def split(self, failed: int, *, fails: bool) -> tuple["_Part", "_Part"]:
        """The beginning, and what waits for it."""
        count = self.high - self.low + 1
        middle = self.low + min(self.step, count // 2)
        return _Part(self.low, middle - 1, count, failed), _Part(middle, self.high, 2 * self.step, failed, fails)


def bisect(
    first: int, last: int, attempt: Callable[[int, int], None], most_calls: int, most_failed: int | None = None
) -> Bisection:
    """Attempt a range of rows, and where it fails its halves, down to single rows, which are attempted twice.

    A part is not attempted as a whole where that is known to fail: if a range fails and its beginning does not, the
    rest does. A row is attempted once if what Python raised is what a row raised twice.

    Where some failures are enough, parts of 1, 2, 4 … rows from the beginning stand for the halves, and what follows a
    row that fails is taken to fail: if nearly all rows fail, as where a model takes no NULL, few statements find that.

    Args:
        first: First place.
        last: Last place.
        attempt: Does the work for the places from one to another, both included, or raises.
        most_calls: How often it may be called; f failing rows of n take at most about 2 * f * log2(n / f) calls,
            with ``most_failed`` at most twice as many.
        most_failed: After how many failing rows to stop; None: not before all are found.

    Returns:
        What was found; where ``attempt`` did not raise, its work is done.

    Raises:
        Exception: what ``attempt`` raised, if no row is to blame for it.
    """
    failed, doubtful, believed, calls = dict[int, Exception](), set[int](), set[str](), 0
    gallops = most_failed is not None
    waiting = [_Part(first, last, 1 if gallops else last - first + 1)] if first <= last else []
    while waiting and calls < most_calls and len(failed) != most_failed:
        part = waiting.pop()
        single, beginning_failed = part.low == part.high, len(failed) > part.failed_before
        fails = part.of_failed and not beginning_failed
        if gallops and beginning_failed:
            part = replace(part, step=1)
        if single or not (fails or (gallops and beginning_failed)):
            calls += 1
            try:
                attempt(part.low, part.high)
                continue
            except Exception as error:
                if not blames_a_row(error):
                    raise
                fails = True
                if single and (part.low in doubtful or words(error) in believed):
                    failed[part.low] = error
                    believed |= {words(error)} if "Traceback" in str(error) else set()
                elif single:
                    doubtful.add(part.low)  # once more: a process that was ended from outside says nothing of the row
                    waiting.append(part)
        if not single:
            waiting += reversed(part.split(len(failed), fails=fails))
    return Bisection(failed, calls, not waiting)


def blames_a_row(error: BaseException) -> bool:
    """Whether a row can be the cause: Python code raised, or an expression could not take a value."""
    codes = (getattr(error, "errno", None), getattr(error, "sql_error_code", None))
    state = getattr(getattr(error, "conn_error", None) or error, "sqlstate", None)
    return PYTHON_ERROR in codes or str(state).startswith(DATA_EXCEPTION)


def words(error: BaseException) -> str:
    """The error without the traceback: what Python code raised last, or else the message in one line."""
    text = str(getattr(error, "message", None) or error)
    raised = re.findall(r"^[A-Za-z_][\w.]*(?:Error|Exception|Warning|Interrupt|Exit)?: \S.*$", text, re.MULTILINE)
    return (raised[-1] if "Traceback" in text and raised else " ".join(text.split()))[:500]
