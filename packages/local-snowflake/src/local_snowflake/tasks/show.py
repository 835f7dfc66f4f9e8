"""SHOW TASKS and DESCRIBE TASK: https://docs.snowflake.com/en/sql-reference/sql/show-tasks."""

import json
from typing import Any

import pyarrow as pa

from local_snowflake.catalog.objects import TASK, Task
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import statement
from local_snowflake.execution.results import TIME, Result, rows
from local_snowflake.execution.show_clauses import common, read_clauses, select
from local_snowflake.sql.statement import Statement, skip_head
from local_snowflake.tasks.graph import TaskGraphs, graphs_of, overlap_policy

COLUMNS: dict[str, pa.DataType | None] = {
    "created_on": TIME,
    **dict.fromkeys(("name", "id", "database_name", "schema_name", "owner", "comment", "warehouse")),
    **dict.fromkeys(("schedule", "predecessors", "state", "definition", "condition", "allow_overlapping_execution")),
    "error_integration": None,
    "last_committed_on": TIME,
    "last_suspended_on": TIME,
    **dict.fromkeys(("owner_role_type", "config", "budget", "task_relations", "last_suspended_reason")),
    **dict.fromkeys(("success_integration", "scheduling_mode", "target_completion_interval", "execute_as_user")),
    "overlap_policy": None,
}
_TERSE = ("created_on", "name", "kind", "database_name", "schema_name", "schedule")


def describe(task: Task, graphs: TaskGraphs) -> dict[str, Any]:
    """A task, among the ``graphs`` of its schema, as SHOW TASKS prints it."""
    props, name, settings = task.props, task.name, task.props.settings
    relations = _relations(task, graphs)
    root = graphs.is_root(name.name)
    policy = overlap_policy(settings)
    flexible = "TARGET_COMPLETION_INTERVAL" in settings
    return {
        **common(task),
        **{key: getattr(props, key) for key in ("id", "warehouse", "schedule", "state", "definition", "condition")},
        **{f"last_{key}": getattr(props, key) for key in ("committed_on", "suspended_on", "suspended_reason")},
        "predecessors": json.dumps(relations["Predecessors"], separators=(",", ":")),
        "allow_overlapping_execution": str(policy != "NO_OVERLAP").lower() if root else None,
        "config": settings.get("CONFIG") if root else None,
        "task_relations": json.dumps(relations, separators=(",", ":")),
        "scheduling_mode": None if props.warehouse else "FLEXIBLE" if flexible else "FIXED",
        "target_completion_interval": settings.get("TARGET_COMPLETION_INTERVAL"),
        "overlap_policy": policy if root else None,
    }


def _relations(task: Task, graphs: TaskGraphs) -> dict[str, Any]:
    """What a task follows, and what finalizes it or is finalized by it, by full names."""
    name, finalized = task.name.name, task.props.finalize
    relations: dict[str, Any] = {"Predecessors": [graphs.tasks[p].name.fqn for p in graphs.predecessors(name)]}
    if last := graphs.finalizer_of(name):
        relations["FinalizerTask"] = graphs.tasks[last].name.fqn
    if finalized in graphs.tasks:
        relations = {"FinalizedRootTask": graphs.tasks[finalized].name.fqn, **relations}
    return relations


def describe_all(ctx: Context, tasks: list[Task]) -> list[dict[str, Any]]:
    """Several tasks as SHOW TASKS prints them."""
    graphs = {
        task.name[:2]: graphs_of(ctx.services.catalog, task.name) for task in {t.name[:2]: t for t in tasks}.values()
    }
    return [describe(task, graphs[task.name[:2]]) for task in tasks]


@statement("SHOW", "TASKS", "TERSE TASKS")
def show_tasks(ctx: Context, stmt: Statement) -> Result:
    """SHOW [TERSE] TASKS [LIKE …] [IN …] [STARTS WITH …] [ROOT ONLY] [LIMIT …]."""
    reader = skip_head(stmt)
    words = [t.text.upper() for t in reader.tokens]
    root_only = next((i for i in range(len(words) - 1) if words[i : i + 2] == ["ROOT", "ONLY"]), None)
    if root_only is not None:
        reader.tokens = reader.tokens[:root_only] + reader.tokens[root_only + 2 :]
    records = describe_all(ctx, select(ctx, read_clauses(reader), TASK))
    if root_only is not None:
        records = [r for r in records if r["allow_overlapping_execution"] is not None]
    return rows(records, _TERSE if stmt.kind.startswith("TERSE") else COLUMNS)


@statement("DESCRIBE", "TASK")
def describe_task(ctx: Context, stmt: Statement) -> Result:
    """DESCRIBE TASK name."""
    reader = skip_head(stmt)
    name = ctx.resolve(reader.name_parts())
    reader.finish()
    return rows(describe_all(ctx, [ctx.catalog.need(TASK, name)]), COLUMNS)
