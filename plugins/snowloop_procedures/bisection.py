"""Finds the rows at which a statement fails, by halves: a bounded number of statements."""

import re
from collections.abc import Callable
from dataclasses import dataclass

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


def bisect(
    first: int, last: int, attempt: Callable[[int, int], None], most_calls: int, most_failed: int | None = None
) -> Bisection:
    """Attempt a range of rows, and where it fails its halves, down to single rows, which are attempted twice.

    Where some failures are enough, parts of 1, 2, 4 … rows from the beginning stand for the halves: if nearly all rows
    fail, as where a model takes no NULL, few statements find that.

    Args:
        first: First place.
        last: Last place.
        attempt: Does the work for the places from one to another, both included, or raises.
        most_calls: How often it may be called; f failing rows of n take about 2 * f * log2(n / f) calls, with
            ``most_failed`` at most twice as many.
        most_failed: After how many failing rows to stop; None: not before all are found.

    Returns:
        What was found; where ``attempt`` did not raise, its work is done.

    Raises:
        Exception: what ``attempt`` raised, if no row is to blame for it.
    """
    failed, doubtful, calls = dict[int, Exception](), set[int](), 0
    count = last - first + 1
    waiting = [(first, last, count if most_failed is None else 1)] if first <= last else []
    while waiting and calls < most_calls and len(failed) != most_failed:
        low, high, step = waiting.pop()
        calls += 1
        try:
            attempt(low, high)
        except Exception as error:
            if not blames_a_row(error):
                raise
            if low == high and low in doubtful:
                failed[low] = error
            elif low == high:
                doubtful.add(low)  # once more: a process that was ended from outside says nothing of the row
                waiting.append((low, low, count))
            else:
                middle = low + min(step, (high - low + 1) // 2)
                waiting += [(middle, high, 2 * step), (low, middle - 1, count)]
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
