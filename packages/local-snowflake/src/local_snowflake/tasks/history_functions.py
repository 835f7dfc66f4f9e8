"""Table functions of INFORMATION_SCHEMA about runs of tasks and of graphs."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from local_snowflake.catalog.objects import TASK, Task
from local_snowflake.errors import SnowflakeError, compilation_error
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import table_function
from local_snowflake.execution.results import TIME, record_table
from local_snowflake.sql import queries
from local_snowflake.sql.names import split_parts
from local_snowflake.tasks.graph import STARTED, TaskGraphs, graphs_of
from local_snowflake.tasks.history import RETENTION, SCHEDULE
from local_snowflake.tasks.schedule import next_due
from local_snowflake.tasks.scheduler import Scheduler
from local_snowflake.tasks.show import COLUMNS as TASK_COLUMNS
from local_snowflake.tasks.show import describe_all

_MOST = 10_000
_HISTORY: dict[str, pa.DataType | None] = {
    **dict.fromkeys(("QUERY_ID", "NAME", "DATABASE_NAME", "SCHEMA_NAME", "QUERY_TEXT", "CONDITION_TEXT", "STATE")),
    **dict.fromkeys(("ERROR_CODE", "ERROR_MESSAGE")),
    **dict.fromkeys(("SCHEDULED_TIME", "QUERY_START_TIME", "NEXT_SCHEDULED_TIME", "COMPLETED_TIME"), TIME),
    "ROOT_TASK_ID": None,
    **dict.fromkeys(("GRAPH_VERSION", "RUN_ID"), pa.int64()),
    **dict.fromkeys(("RETURN_VALUE", "SCHEDULED_FROM")),
    "ATTEMPT_NUMBER": pa.int64(),
    **dict.fromkeys(("CONFIG", "QUERY_HASH")),
    "QUERY_HASH_VERSION": pa.int64(),
    "QUERY_PARAMETERIZED_HASH": None,
    **dict.fromkeys(("QUERY_PARAMETERIZED_HASH_VERSION", "GRAPH_RUN_GROUP_ID"), pa.int64()),
    "BACKFILL_INFO": None,
}
_GRAPHS: dict[str, pa.DataType | None] = {
    **dict.fromkeys(("ROOT_TASK_NAME", "DATABASE_NAME", "SCHEMA_NAME", "STATE", "SCHEDULED_FROM")),
    **dict.fromkeys(("FIRST_ERROR_TASK_NAME", "FIRST_ERROR_CODE", "FIRST_ERROR_MESSAGE")),
    **dict.fromkeys(("SCHEDULED_TIME", "QUERY_START_TIME", "NEXT_SCHEDULED_TIME", "COMPLETED_TIME"), TIME),
    "ROOT_TASK_ID": None,
    **dict.fromkeys(("GRAPH_VERSION", "RUN_ID", "ATTEMPT_NUMBER"), pa.int64()),
    "CONFIG": None,
    "GRAPH_RUN_GROUP_ID": pa.int64(),
    "BACKFILL_INFO": None,
}
# columns that the records of the history call otherwise
_NAMES = {
    "database": "DATABASE_NAME",
    "schema": "SCHEMA_NAME",
    "root_id": "ROOT_TASK_ID",
    "version": "GRAPH_VERSION",
    "attempt": "ATTEMPT_NUMBER",
    "group_id": "GRAPH_RUN_GROUP_ID",
}
_GRAPH_NAMES = _NAMES | {"name": "ROOT_TASK_NAME", "started": "QUERY_START_TIME", "completed": "COMPLETED_TIME"}


@table_function("TASK_HISTORY")
def task_history(
    ctx: Context,
    scheduled_time_range_start: Any = None,
    scheduled_time_range_end: Any = None,
    result_limit: int = 100,
    task_name: str | None = None,
    error_only: bool = False,
    root_task_id: str | None = None,
) -> pa.Table:
    """TASK_HISTORY: https://docs.snowflake.com/en/sql-reference/functions/task_history."""
    _check_limit(result_limit)
    first, last = _time(ctx, scheduled_time_range_start), _time(ctx, scheduled_time_range_end)
    for bound in (first, last):
        if bound and bound < datetime.now(UTC) - RETENTION - timedelta(minutes=1):
            raise compilation_error("Invalid time range: TASK_HISTORY shows the last 7 days.", 1008, "22023")
    filters = {"first": first, "last": last, "name": task_name, "root_id": root_task_id, "errors": bool(error_only)}
    runs = ctx.services.get(Scheduler).history.task_rows(result_limit, **filters)
    coming = [
        r
        for r in ([] if error_only else _scheduled(ctx))
        if (first is None or r["SCHEDULED_TIME"] >= first)
        and (last is None or r["SCHEDULED_TIME"] <= last)
        and _matches(r["NAME"], task_name)
        and root_task_id in {None, r["ROOT_TASK_ID"]}
    ]
    return record_table([*coming, *(_history_row(r) for r in runs)][:result_limit], _HISTORY)


def _history_row(r: dict[str, Any]) -> dict[str, Any]:
    row = _shown(r, _NAMES)
    if r["state"] in {"SCHEDULED", "SKIPPED"}:
        row["QUERY_ID"] = None
    if r["name"] != r["root_name"]:
        row["NEXT_SCHEDULED_TIME"] = None
    return row


def _shown(record: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {names.get(key, key.upper()): value for key, value in record.items()}


def _scheduled(ctx: Context) -> Iterable[dict[str, Any]]:
    """The next run of every started root that has a schedule, the latest first."""
    runs = [
        {
            **dict(zip(("DATABASE_NAME", "SCHEMA_NAME", "NAME"), root.name, strict=True)),
            "QUERY_TEXT": root.props.definition,
            "CONDITION_TEXT": root.props.condition,
            "STATE": "SCHEDULED",
            "SCHEDULED_TIME": at,
            "ROOT_TASK_ID": root.props.id,
            "GRAPH_VERSION": root.props.version,
            "RUN_ID": int(at.timestamp() * 1000),
            "SCHEDULED_FROM": SCHEDULE,
            "ATTEMPT_NUMBER": 1,
            "CONFIG": root.props.settings.get("CONFIG"),
        }
        for root, at in _next_runs(ctx)
    ]
    return sorted(runs, key=lambda r: r["SCHEDULED_TIME"], reverse=True)


def _next_runs(ctx: Context) -> Iterable[tuple[Task, datetime]]:
    now = datetime.now(UTC)
    for task in ctx.catalog.all(TASK):
        at = next_due(task, now, task.props.resumed_on or now) if task.props.state == STARTED else None
        if at and at - now < timedelta(days=8):
            yield task, at


@table_function("COMPLETE_TASK_GRAPHS")
def complete_task_graphs(
    ctx: Context,
    result_limit: int = 1000,
    root_task_name: str | None = None,
    error_only: bool = False,
) -> pa.Table:
    """COMPLETE_TASK_GRAPHS: graph runs that ended in the last 60 minutes."""
    _check_limit(result_limit)
    since = datetime.now(UTC) - timedelta(minutes=60)
    found = [
        _shown(r, _GRAPH_NAMES)
        for r in ctx.services.get(Scheduler).history.graph_rows()
        if r["completed"]
        and r["completed"] >= since
        and _matches(r["name"], root_task_name)
        and (not error_only or r["state"] in {"FAILED", "CANCELLED"})
    ]
    found.sort(key=lambda r: r["COMPLETED_TIME"], reverse=True)
    return record_table(found[:result_limit], _GRAPHS)


@table_function("CURRENT_TASK_GRAPHS")
def current_task_graphs(ctx: Context, result_limit: int = 1000, root_task_name: str | None = None) -> pa.Table:
    """CURRENT_TASK_GRAPHS: graph runs that execute or are due within 8 days."""
    _check_limit(result_limit)
    running = [
        _shown(r, _GRAPH_NAMES)
        for r in ctx.services.get(Scheduler).history.graph_rows()
        if not r["completed"] and _matches(r["name"], root_task_name)
    ]
    scheduled = [
        {k: v for k, v in r.items() if k in _GRAPHS} | {"ROOT_TASK_NAME": r["NAME"]}
        for r in _scheduled(ctx)
        if _matches(r["NAME"], root_task_name)
    ]
    columns = {k: v for k, v in _GRAPHS.items() if k != "COMPLETED_TIME"}
    return record_table([*scheduled, *running][:result_limit], columns)


def _matches(name: str, pattern: str | None) -> bool:
    return pattern is None or name.upper() == pattern.upper()


@table_function("TASK_DEPENDENTS")
def task_dependents(ctx: Context, task_name: str, recursive: bool = True) -> pa.Table:
    """TASK_DEPENDENTS: a task and those that run after it, directly or (RECURSIVE) at any distance."""
    name = ctx.resolve(split_parts(task_name))
    task = ctx.catalog.need(TASK, name)
    graphs: TaskGraphs = graphs_of(ctx.catalog, name)
    below = graphs.descendants(name.name) if recursive else graphs.children(name.name)
    records = describe_all(ctx, [task, *(graphs.tasks[n] for n in below)])
    columns = {k.upper(): v for k, v in TASK_COLUMNS.items()}
    return record_table([{k.upper(): v for k, v in r.items()} for r in records], columns)


def _check_limit(limit: int) -> None:
    if not isinstance(limit, int) or not 1 <= limit <= _MOST:
        raise compilation_error(f"invalid value [{limit}] for parameter 'RESULT_LIMIT': 1 to {_MOST}.", 1008, "22023")


def _time(ctx: Context, value: Any) -> datetime | None:
    """A time, written as a text or as an expression, eg: ``DATEADD('hour', -1, CURRENT_TIMESTAMP())``."""
    if value is None:
        return None
    try:
        time = datetime.fromisoformat(str(value))
    except ValueError:
        sql = f"SELECT ({value})::TIMESTAMP_LTZ AS T"
        try:
            time = queries.run_query(ctx, ctx.compiler.parse(ctx, sql)).table.column(0)[0].as_py()
        except SnowflakeError as error:
            raise compilation_error(f"invalid time [{value}]: {error.message}", 1008, "22023") from None
    if not isinstance(time, datetime):
        raise compilation_error(f"invalid time [{value}]", 1008, "22023")
    return time if time.tzinfo else time.replace(tzinfo=UTC)
