"""Table functions of INFORMATION_SCHEMA about runs of tasks and of graphs."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from local_snowflake.catalog.objects import TASK
from local_snowflake.errors import compilation_error
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import table_function
from local_snowflake.execution.results import TIME, record_table
from local_snowflake.sql.names import Name, split_parts
from local_snowflake.sql.queries import evaluate_time
from local_snowflake.tasks.graph import STARTED, graphs_of
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
# the highest limit of rows
_MOST = 10_000
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
    bounds = (scheduled_time_range_start, scheduled_time_range_end)
    first, last = (None if bound is None else evaluate_time(ctx, bound) for bound in bounds)
    if any(bound and bound < datetime.now(UTC) - RETENTION - timedelta(minutes=1) for bound in (first, last)):
        raise compilation_error("Invalid time range: TASK_HISTORY shows the last 7 days.", 1008, "22023")
    filters = {"first": first, "last": last, "name": task_name, "root_id": root_task_id, "errors": bool(error_only)}
    limit = _MOST if ctx.services.access.enforced else result_limit
    runs = ctx.services.get(Scheduler).history.task_rows(limit, **filters)
    runs = [run for run in runs if ctx.rights.monitors(_name(run))][:result_limit]
    shown = [
        r
        for r in ([] if error_only else _scheduled(ctx, task_name))
        if (first is None or r["SCHEDULED_TIME"] >= first)
        and (last is None or r["SCHEDULED_TIME"] <= last)
        and root_task_id in {None, r["ROOT_TASK_ID"]}
    ]
    for run in runs:
        unknown = {"QUERY_ID": None} if run["state"] in {"SCHEDULED", "SKIPPED"} else {}
        unknown |= {"NEXT_SCHEDULED_TIME": None} if run["name"] != run["root_name"] else {}
        shown.append(_shown(run, _NAMES) | unknown)
    return record_table(shown[:result_limit], _HISTORY)


def _name(run: dict[str, Any]) -> Name:
    return Name(run["database"], run["schema"], run["name"])


def _shown(record: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {names.get(key, key.upper()): value for key, value in record.items()}


def _scheduled(ctx: Context, name: str | None) -> list[dict[str, Any]]:
    """The next run of every started root, or of those of one name, that has a schedule, the latest first."""
    now = datetime.now(UTC)
    runs = []
    for root in ctx.catalog.all(TASK):
        at = next_due(root, now, root.props.resumed_on or now) if root.props.state == STARTED else None
        if at is None or at - now >= timedelta(days=8) or not _matches(root.name.name, name):
            continue
        run = {
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
        runs.append(run)
    return sorted(runs, key=lambda r: r["SCHEDULED_TIME"], reverse=True)


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
        r
        for r in _graph_runs(ctx, root_task_name, completed=True)
        if r["COMPLETED_TIME"] >= since and (not error_only or r["STATE"] in {"FAILED", "CANCELLED"})
    ]
    found.sort(key=lambda r: r["COMPLETED_TIME"], reverse=True)
    return record_table(found[:result_limit], _GRAPHS)


@table_function("CURRENT_TASK_GRAPHS")
def current_task_graphs(ctx: Context, result_limit: int = 1000, root_task_name: str | None = None) -> pa.Table:
    """CURRENT_TASK_GRAPHS: graph runs that execute or are due within 8 days."""
    _check_limit(result_limit)
    running = _graph_runs(ctx, root_task_name, completed=False)
    scheduled = [r | {"ROOT_TASK_NAME": r["NAME"]} for r in _scheduled(ctx, root_task_name)]
    columns = {k: v for k, v in _GRAPHS.items() if k != "COMPLETED_TIME"}
    return record_table([*scheduled, *running][:result_limit], columns)


def _graph_runs(ctx: Context, name: str | None, *, completed: bool) -> list[dict[str, Any]]:
    runs = [run for run in ctx.services.get(Scheduler).history.graph_rows() if ctx.rights.monitors(_name(run))]
    return [_shown(r, _GRAPH_NAMES) for r in runs if bool(r["completed"]) == completed and _matches(r["name"], name)]


def _matches(name: str, pattern: str | None) -> bool:
    return pattern is None or name.upper() == pattern.upper()


@table_function("TASK_DEPENDENTS")
def task_dependents(ctx: Context, task_name: str, recursive: bool = True) -> pa.Table:
    """TASK_DEPENDENTS: a task and those that run after it, directly or (RECURSIVE) at any distance."""
    name = ctx.resolve(split_parts(task_name))
    task = ctx.catalog.need(TASK, name)
    graphs = graphs_of(ctx.services.catalog, name)
    below = graphs.descendants(name.name) if recursive else graphs.children(name.name)
    records = describe_all(ctx, [task, *(graphs.tasks[n] for n in below)])
    return record_table([_shown(r, {}) for r in records], _shown(TASK_COLUMNS, {}))


def _check_limit(limit: int) -> None:
    if not isinstance(limit, int) or not 1 <= limit <= _MOST:
        raise compilation_error(f"invalid value [{limit}] for parameter 'RESULT_LIMIT': 1 to {_MOST}.", 1008, "22023")
