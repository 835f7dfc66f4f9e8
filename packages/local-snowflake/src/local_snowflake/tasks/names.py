"""How a statement about a task finds the tasks that it names."""

from __future__ import annotations

from local_snowflake.catalog.objects import TASK, Task
from local_snowflake.execution.context import Context
from local_snowflake.sql.names import Name, shown
from local_snowflake.tasks.graphs_of_schema import Family
from local_snowflake.tasks.rules import refusal


def family_of(ctx: Context, name: Name) -> Family:
    """The tasks of a name's schema."""
    return Family(ctx.catalog.all(TASK, name.database, name.schema))


def with_task(family: Family, task: Task) -> Family:
    """A family with one task new or changed."""
    return Family((family.tasks | {task.name.name: task}).values())


def written(parts: list[str]) -> str:
    """A name as a refusal prints it."""
    return ".".join(shown(part) for part in parts)


def predecessors(ctx: Context, name: Name, after: list[list[str]], family: Family) -> list[str]:
    """The names of predecessors: checked to be there, each once, in order."""
    found: set[str] = set()
    elsewhere = ""
    for parts in after:
        full = ctx.resolve(parts) if len(parts) > 1 else Name(name.database, name.schema, parts[0])
        if (full.database, full.schema) != (name.database, name.schema):
            if not ctx.catalog.get(TASK, full):
                raise refusal(f"Invalid predecessor {written(parts)} was specified.")
            elsewhere = elsewhere or full.name
        elif full.name not in family.tasks:
            raise refusal(f"Invalid predecessor {written(parts)} was specified.")
        found.add(full.name)
    if elsewhere:
        raise refusal(f"Cannot have predecessor {elsewhere} from a different schema.")
    return sorted(found)


def finalize_target(ctx: Context, name: Name, parts: list[str] | None, family: Family) -> str | None:
    """The name of the root that a task is to finalize: checked to be there."""
    if parts is None:
        return None
    full = ctx.resolve(parts) if len(parts) > 1 else Name(name.database, name.schema, parts[0])
    same = (full.database, full.schema) == (name.database, name.schema)
    if not (full.name in family.tasks if same else ctx.catalog.get(TASK, full)):
        raise refusal(f"Invalid finalized root task {written(parts)} was specified.")
    if not same:
        raise refusal(f"Cannot finalize graph {written(parts)} in a different schema.")
    return full.name
