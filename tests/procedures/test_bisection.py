"""Rows at which a statement fails are found by halves, with few statements."""

import random

import pytest

from snowloop_procedures.bisection import bisect, words


class RowError(Exception):
    """What Snowflake says of a model that raised."""

    errno = 100357


class Work:
    """A statement that fails where one of its rows is bad, and else does its work."""

    def __init__(self, *bad: int) -> None:
        self.bad, self.calls, self.done = set(bad), 0, list[int]()

    def __call__(self, first: int, last: int) -> None:
        self.calls += 1
        rows = range(first, last + 1)
        if self.bad & set(rows):
            raise RowError
        self.done += rows


@pytest.mark.parametrize("bad", [(), (1,), (1000,), (7, 8), (1, 500, 1000), tuple(range(100, 130))])
def test_exactly_the_bad_rows_are_left_and_all_others_are_done_once(bad: tuple[int, ...]):
    work = Work(*bad)
    found = bisect(1, 1000, work, 1000)
    assert list(found.failed) == list(bad)
    assert sorted(work.done) == sorted(set(range(1, 1001)) - set(bad))
    assert (found.complete, found.calls) == (True, work.calls)
    assert found.calls <= 1 + 23 * len(bad)


@pytest.mark.parametrize("most_failed", [None, 1_000])
def test_random_rows_too(most_failed: int | None):
    chance = random.Random(3)
    for _ in range(200):
        count = chance.randint(1, 60)
        bad = sorted(chance.sample(range(count), chance.randint(0, count)))
        work = Work(*bad)
        found = bisect(0, count - 1, work, 10_000, most_failed)
        assert list(found.failed) == bad
        assert sorted([*work.done, *bad]) == list(range(count))


def test_the_number_of_statements_and_of_failures_is_bounded():
    work = Work(*range(10_000))
    found = bisect(0, 9_999, work, 50)
    assert (found.complete, found.calls, work.calls) == (False, 50, 50)
    assert len(bisect(0, 9_999, Work(*range(10_000)), 500, most_failed=3).failed) == 3
    assert bisect(5, 4, Work(), 10).calls == 0


def test_where_nearly_all_rows_fail_few_statements_find_some_of_them():
    found = bisect(0, 9_999, Work(*range(10_000)), 500, most_failed=5)
    assert (list(found.failed), found.calls <= 11, found.complete) == ([0, 1, 2, 3, 4], True, False)


class ModelError(RowError):
    """A model raised, with its traceback."""

    def __init__(self, text: str = "ValueError: Input X contains NaN.") -> None:
        super().__init__(f"Python Interpreter Error:\nTraceback (most recent call last):\n{text}\n in function PREDICT")


def test_what_python_raised_for_a_row_twice_is_believed_of_others_at_once():
    asked = list[tuple[int, int]]()

    def attempt(first: int, last: int) -> None:
        asked.append((first, last))
        raise ModelError

    found = bisect(0, 9_999, attempt, 500, most_failed=5)
    assert (list(found.failed), found.complete) == ([0, 1, 2, 3, 4], False)
    assert asked == [(0, 9_999), (0, 0), (0, 0), (1, 1), (2, 2), (3, 3), (4, 4)]


def test_a_row_that_raises_something_else_is_attempted_twice():
    asked = list[tuple[int, int]]()

    def attempt(first: int, last: int) -> None:
        asked.append((first, last))
        if first == last:
            raise ModelError(f"ValueError: {first}")
        raise RowError

    assert list(bisect(0, 2, attempt, 100).failed) == [0, 1, 2]
    assert [asked.count((row, row)) for row in range(3)] == [2, 2, 2]


@pytest.mark.parametrize("most_failed", [None, 5])
def test_a_statement_that_failed_once_by_chance_blames_no_row(most_failed: int | None):
    for broken in range(1, 12):
        work = Work()

        def attempt(first: int, last: int, work: Work = work, broken: int = broken) -> None:
            if work.calls + 1 in {1, broken}:
                work.calls += 1
                raise ModelError("KeyboardInterrupt: ")
            work(first, last)

        found = bisect(0, 99, attempt, 1000, most_failed)
        assert (found.failed, found.complete, sorted(work.done)) == ({}, True, list(range(100)))


@pytest.mark.parametrize("most_failed", [None, 1_000])
def test_the_bound_of_statements_holds_wherever_the_row_is(most_failed: int | None):
    twice = 1 if most_failed is None else 2
    for bad in (0, 1, 499, 998, 999):
        work = Work(bad)
        found = bisect(0, 999, work, 1000, most_failed)
        assert (list(found.failed), found.complete, len(work.done)) == ([bad], True, 999)
        assert found.calls <= twice * (1 + 23)


@pytest.mark.parametrize("state", ["08001", "57014", "42501", None])
def test_what_no_row_is_to_blame_for_is_raised(state: str | None):
    class OtherError(Exception):
        errno, sqlstate = 604, state

    def fail(_: int, __: int) -> None:
        raise OtherError

    with pytest.raises(OtherError):
        bisect(0, 9, fail, 10)


def test_a_value_that_an_expression_cannot_take_is_of_a_row():
    class DivisionError(Exception):
        errno, sqlstate = 100051, "22012"

    def fail(_: int, __: int) -> None:
        raise DivisionError

    assert list(bisect(0, 0, fail, 10).failed) == [0]


def test_an_error_is_told_without_its_traceback():
    text = 'Python Interpreter Error:\nTraceback (most recent call last):\n  File "a.py", line 1, in predict\n'
    assert words(RuntimeError(f"{text}ValueError: Input X contains NaN.\n in function PREDICT")) == (
        "ValueError: Input X contains NaN."
    )
    assert words(RuntimeError("Division by\n zero")) == "Division by zero"
