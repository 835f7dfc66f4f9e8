"""Data health: how much arrives, how fresh, how clean and of which form, and how long and how dearly it is scored.

By day: ``volume``, ``quarantine``, ``rejects``, ``latency``, ``cost``. Of the moment: ``freshness``, ``contract``,
``backlog``, ``schema``. A day is judged once it is over.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from statistics import median
from typing import Any

from snowloop.checks import Check
from snowloop.lifecycle.data.tables import find_table, hidden
from snowloop.lifecycle.data.validate import freshness
from snowloop.lifecycle.monitoring.windows import Window
from snowloop.lifecycle.scoring.health import backlog_age
from snowloop.lifecycle.versions import show
from snowloop.project import Source, in_words
from snowloop.sql import clock, identifier
from snowloop.workspace import Workspace

JUDGED_DAYS = 14
"""So many days back a day is judged, if nobody looked before."""
WEEKS = 8
"""The same weekday of so many weeks is what a day is compared with."""
FEWEST = 4
"""With fewer earlier days there is no comparison."""
NORMAL = 1.4826
"""Makes a median absolute deviation comparable with a standard deviation, where the distribution is normal."""
LONG_SECONDS = 60.0
"""A day whose runs took less is never too dear: most of the time is overhead."""
TEXT, EXACT, FLOATING = "VARCHAR", "NUMBER", "FLOAT"
SYNONYMS = {
    **dict.fromkeys(("CHAR", "CHARACTER", "NCHAR", "STRING", "TEXT", "NVARCHAR", "NVARCHAR2"), TEXT),
    **dict.fromkeys(("DECIMAL", "DEC", "NUMERIC", "INT", "INTEGER", "BIGINT", "SMALLINT", "TINYINT", "BYTEINT"), EXACT),
    **dict.fromkeys(("FLOAT4", "FLOAT8", "DOUBLE", "DOUBLE PRECISION", "REAL"), FLOATING),
    "DATETIME": "TIMESTAMP_NTZ", "TIMESTAMP": "TIMESTAMP_NTZ", "VARBINARY": "BINARY",
}  # fmt: skip
"""Names of one type (https://docs.snowflake.com/en/sql-reference/intro-summary-data-types)."""


def data_health(workspace: Workspace) -> list[Window]:
    """Measure and judge the health of what arrives.

    Returns:
        The judgements; nothing is written.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if Snowflake does not answer.
    """
    now = clock(workspace.session)
    history = JUDGED_DAYS + 7 * (WEEKS + 1)  # a week more, so that a day is compared with the same ones each time
    runs = {row["DAY"]: row for row in workspace.run("monitoring/data_health.sql#daily_runs", days=history)}
    loads = workspace.run("monitoring/data_health.sql#daily_loads", days=JUDGED_DAYS)
    return [
        *_volume(workspace, runs, now.date()),
        *_shares(workspace, runs, now.date()),
        *_rejects(workspace, loads, now.date()),
        *_latency(workspace, now.date()),
        *_cost(workspace, runs, now.date()),
        *_contract(workspace),
        *(_at(now, check) for check in _of_the_moment(workspace)),
    ]


def robust_deviation(value: float, others: Sequence[float]) -> float:
    """How many robust standard deviations a count is away from the median of others.

    The modified z-score (B. Iglewicz, D. C. Hoaglin, How to Detect and Handle Outliers, 1993), whose scale is at least
    the standard deviation of a Poisson count with that median, and at least 1: of few days that happen to be equal the
    median absolute deviation is 0. How often a usual day is above a bound is simulated: docs/monitoring.md.

    Args:
        value: The count.
        others: The counts that it is compared with, at least one.

    Returns:
        The distance, 0 or more.
    """
    middle = median(others)
    spread = NORMAL * median(abs(each - middle) for each in others)
    return abs(value - middle) / max(spread, middle**0.5, 1.0)


def _complete(first: date, today: date) -> Iterator[date]:
    """The days from the first one on that are over, the oldest first, at most as many as are judged."""
    day = max(first, today - timedelta(days=JUDGED_DAYS))
    while day < today:
        yield day
        day += timedelta(days=1)


def _of_day(day: date, check: Check, rows: int) -> Window:
    start = datetime.combine(day, time(), UTC)
    return Window(check, start, start + timedelta(days=1), rows)


def _at(now: datetime, check: Check) -> Window:
    return Window(check, now, now, 0)


def _volume(workspace: Workspace, runs: Mapping[date, Any], today: date) -> Iterator[Window]:
    """Rows of a day against the same weekdays before it; the first day of the loop is no whole one."""
    if not runs:
        return
    bound, first = workspace.project.monitoring.data.max_volume_deviation, min(runs) + timedelta(days=1)
    for day in _complete(first, today):
        rows = int(runs[day]["ROWS_READ"]) if day in runs else 0
        weekday = day.strftime("%A")
        earlier = [day - timedelta(weeks=week) for week in range(1, WEEKS + 1)]
        others = [float(runs[each]["ROWS_READ"]) if each in runs else 0.0 for each in earlier if each >= first]
        if len(others) < FEWEST:
            reason = f"{rows:,} rows on {weekday} {day}: {len(others)} of {FEWEST} earlier {weekday}s to compare with"
            yield _of_day(day, Check("volume", "not_asked", reason), rows)
            continue
        value = robust_deviation(rows, others)
        reason = (
            f"{rows:,} rows on {weekday} {day}, the median of {len(others)} {weekday}s before is "
            f"{median(others):,.0f}: {value:.1f} robust deviations, {bound:g} are allowed"
        )
        yield _of_day(day, Check.of("volume", passed=value <= bound, reason=reason, value=value, bound=bound), rows)


def _share(name: str, part: int, whole: int, bound: float, words: str, confidence: float) -> Check:
    """A share, which is above its bound if its Wilson interval is: a few rows prove nothing."""
    from scipy.stats import binomtest

    value = part / whole
    low = float(binomtest(part, whole).proportion_ci(confidence, method="wilson").low)
    reason = f"{part:,} of {whole:,} {words} ({value:.2%}, surely more than {low:.2%}), {bound:.2%} are allowed"
    return Check.of(name, passed=low <= bound, reason=reason, value=value, bound=bound)


def _shares(workspace: Workspace, runs: Mapping[date, Any], today: date) -> Iterator[Window]:
    bound, confidence = workspace.project.monitoring.data.max_quarantine_share, workspace.project.evaluation.confidence
    for day in _complete(date.min, today):
        rows = int(runs[day]["ROWS_READ"]) if day in runs else 0
        if rows:
            bad, words = int(runs[day]["ROWS_QUARANTINED"]), f"rows of {day} were quarantined"
            yield _of_day(day, _share("quarantine", bad, rows, bound, words, confidence), rows)


def _rejects(workspace: Workspace, loads: Sequence[Any], today: date) -> Iterator[Window]:
    bound, confidence = workspace.project.monitoring.data.max_reject_share, workspace.project.evaluation.confidence
    for row in loads:
        read = int(row["ROWS_READ"])
        if read and row["DAY"] < today:
            words = f"records of files loaded on {row['DAY']} were rejected"
            check = _share("rejects", int(row["ROWS_REJECTED"]), read, bound, words, confidence)
            yield _of_day(row["DAY"], check, read)


@dataclass(frozen=True)
class DayOfLatency:
    """How long the rows that were loaded on one day took to be scored.

    Args:
        day: The day of the load, in UTC.
        rows: Rows that were loaded.
        half: Seconds within which half of them were scored; None if some still wait.
        most: Seconds within which 95 % of them were; None if some still wait.
    """

    day: date
    rows: int
    half: float | None
    most: float | None


def latencies(workspace: Workspace, days: int) -> list[DayOfLatency]:
    """From load to score, by the day of the load, the oldest first.

    Args:
        days: How many days to look back.
    """
    rows = workspace.run("monitoring/data_health.sql#latencies", table=workspace.project.table, days=days)
    by_day: dict[date, list[tuple[float, int]]] = {}
    for row in rows:
        seconds = float("inf") if row["SECONDS"] is None else float(row["SECONDS"])
        by_day.setdefault(row["DAY"], []).append((seconds, int(row["N"])))
    return [_day_of_latency(day, loads) for day, loads in by_day.items()]


def _day_of_latency(day: date, loads: Sequence[tuple[float, int]]) -> DayOfLatency:
    count = sum(rows for _, rows in loads)
    if any(seconds == float("inf") for seconds, _ in loads):
        return DayOfLatency(day, count, None, None)
    return DayOfLatency(day, count, _quantile(loads, 0.5), _quantile(loads, 0.95))


def _latency(workspace: Workspace, today: date) -> Iterator[Window]:
    """A day with rows that still wait is not judged yet."""
    longest = workspace.project.monitoring.data.max_latency
    bound = longest.total_seconds()
    for each in latencies(workspace, JUDGED_DAYS):
        if each.day >= today:
            continue
        if each.half is None or each.most is None:
            reason = f"of {each.rows:,} rows loaded on {each.day} some still wait to be scored"
            yield _of_day(each.day, Check("latency", "not_asked", reason), each.rows)
            continue
        reason = (
            f"of {each.rows:,} rows loaded on {each.day} 50 % were scored within {each.half:,.0f} s, 95 % within "
            f"{each.most:,.0f} s, {in_words(longest)} are allowed for 95 %"
        )
        check = Check.of("latency", passed=each.most <= bound, reason=reason, value=each.most, bound=bound)
        yield _of_day(each.day, check, each.rows)


def _quantile(loads: Sequence[tuple[float, int]], part: float) -> float:
    """The lowest time within which a part of the rows was scored, of times with the number of their rows."""
    total, seen = sum(rows for _, rows in loads), 0
    for seconds, rows in sorted(loads):
        seen += rows
        if seen >= part * total:
            return seconds
    return 0.0


def _cost(workspace: Workspace, runs: Mapping[date, Any], today: date) -> Iterator[Window]:
    """Seconds of scoring runs per thousand rows of a day, as a multiple of the median of the days before it."""
    costs = {day: 1000 * float(row["SECONDS"]) / int(row["ROWS_READ"]) for day, row in runs.items() if row["ROWS_READ"]}
    bound = workspace.project.monitoring.max_slowdown
    for day in _complete(date.min, today):
        others = [cost for each, cost in costs.items() if day - timedelta(weeks=4) <= each < day]
        if day not in costs or len(others) < FEWEST or not median(others):
            continue
        seconds, rows, value = float(runs[day]["SECONDS"]), int(runs[day]["ROWS_READ"]), costs[day] / median(others)
        reason = (
            f"the runs of {day} took {costs[day]:.3g} s per thousand rows ({seconds:,.1f} s for {rows:,} rows), "
            f"{value:.2f} times the median of {len(others)} days before; from {LONG_SECONDS:g} s on {bound:g} may be"
        )
        passed = value <= bound or seconds < LONG_SECONDS
        yield _of_day(day, Check.of("cost", passed=passed, reason=reason, value=value, bound=bound), rows)


def _contract(workspace: Workspace) -> Iterator[Window]:
    """The newest run of the contract's checks before training."""
    rows = workspace.run("monitoring/data_health.sql#last_contract_run")
    if not rows:
        return
    at = max(row["CHECKED_AT"] for row in rows).replace(tzinfo=UTC)
    failed = [f"{row['CHECK_NAME']} of {row['SOURCE']}" for row in rows if row["PASSED"] is False]
    reason = f"{len(failed)} of {len(rows)} checks of the contract failed at {at:%Y-%m-%d %H:%M} UTC"
    reason += f": {', '.join(failed)}; nothing is trained before they pass" if failed else ""
    yield _at(at, Check.of("contract", passed=not failed, reason=reason, value=len(failed), bound=0))


def _of_the_moment(workspace: Workspace) -> Iterator[Check]:
    """The columns first: where they have changed, the query for an age may fail, and the change is what to report."""
    from snowflake.snowpark.exceptions import SnowparkSQLException

    changed = False
    for name, source in workspace.project.sources.items():
        schema = _schema(workspace, name.upper(), source)
        changed = changed or schema.failed
        yield schema
        with suppress(SnowparkSQLException) if schema.failed else nullcontext():
            for each in freshness(workspace, name, source):
                signal = f"freshness:{name.upper()}"
                yield Check.of(signal, passed=each.passed, reason=each.reason, value=each.value, bound=each.bound)
    age = None
    with suppress(SnowparkSQLException) if changed else nullcontext():
        age = backlog_age(workspace)
    if age is not None:
        longest = workspace.project.monitoring.max_backlog_age
        reason = f"rows have waited to be scored for {age:,} s, monitoring.max_backlog_age allows {in_words(longest)}"
        bound = longest.total_seconds()
        yield Check.of("backlog", passed=age <= bound, reason=reason, value=age, bound=bound)


def _schema(workspace: Workspace, table: str, source: Source) -> Check:
    """The columns of a source against those that are declared.

    Of a RAW table: missing, additional, and of another type. Of a table that others fill: what keeps its rows from
    being read as declared; the view of it in RAW would stay as it was made.
    """
    there = find_table(workspace, source)
    if there is not None:
        reason = f"the columns of {source.table} are those that are declared"
        if there.unreadable:
            reason = f"{there.unreadable.reason}; to do: {there.unreadable.remedy}"
        lacking = 0 if there.unreadable is None else 1
        return Check.of(f"schema:{table}", passed=not lacking, reason=reason, value=lacking, bound=0)
    actual = _columns(workspace, table)
    declared = {name: type_name(column.type) for name, column in source.table_columns.items()}
    changes = [
        *(f"{name} is missing" for name in declared if name not in actual),
        *(f"{name} is not declared" for name in actual if name not in declared),
        *(
            f"{name} is {actual[name]}, declared is {kind}"
            for name, kind in declared.items()
            if actual.get(name, kind) != kind
        ),
    ]
    reason = f"the columns of RAW.{table} are those that are declared"
    if changes:
        reason = f"the columns of RAW.{table} have changed: {'; '.join(changes)}; change them back, or project.yaml"
    if not actual:
        reason = f"RAW.{table} does not exist, or the role may not read it: run the DAG that creates the environment"
    return Check.of(f"schema:{table}", passed=not changes, reason=reason, value=len(changes), bound=0)


def _columns(workspace: Workspace, table: str) -> dict[str, str]:
    """The columns of a RAW table and their types; none if it cannot be read."""
    from snowflake.snowpark.exceptions import SnowparkSQLException

    try:
        described = show(workspace.session, f"DESCRIBE TABLE {identifier(workspace.database, 'RAW', table)}")
    except SnowparkSQLException as error:
        if not hidden(error):
            raise
        return {}
    return {str(row["name"]): type_name(str(row["type"])) for row in described}


def type_name(text: str) -> str:
    """The name of a column type without length or precision, the same for all names of one type.

    Args:
        text: Such as ``NUMBER(10,2)`` or ``string``.

    Returns:
        Such as ``NUMBER`` or ``VARCHAR``.
    """
    name = re.sub(r"\s*\(.*", "", text).strip().upper()
    return SYNONYMS.get(name, name)
