"""What a task and a task graph may not be, and which tasks they may name: each refusal in Snowflake's words."""

import json
from contextlib import suppress

from sqlglot import exp

from local_snowflake.catalog.objects import TASK, Task
from local_snowflake.errors import SnowflakeError, compilation_error
from local_snowflake.execution.context import Context
from local_snowflake.privileges.rules import OWNERSHIP
from local_snowflake.scripting.reading import is_block, read_block
from local_snowflake.sql.dialect import parse
from local_snowflake.sql.names import Name, shown
from local_snowflake.tasks.graph import STARTED, TaskGraphs
from local_snowflake.tasks.schedule import is_triggered, schedule_of

_MOST_TASKS, _MOST_RELATIVES = 1000, 100
_CONDITION_FUNCTIONS = {"SYSTEM$STREAM_HAS_DATA", "SYSTEM$GET_PREDECESSOR_RETURN_VALUE"}
# name -> least, most: https://docs.snowflake.com/en/sql-reference/sql/create-task
_RANGES = {
    "USER_TASK_TIMEOUT_MS": (0, 604_800_000),
    "SUSPEND_TASK_AFTER_NUM_FAILURES": (0, 2**31 - 1),
    "TASK_AUTO_RETRY_ATTEMPTS": (0, 30),
    "USER_TASK_MINIMUM_TRIGGER_INTERVAL_IN_SECONDS": (10, 604_800),
}


def refusal(message: str, code: int = 91_400, sqlstate: str = "22000") -> SnowflakeError:
    """A refused task: these sentences come without the words SQL compilation error."""
    return SnowflakeError(code, sqlstate, message)


def require_suspended(graphs: TaskGraphs, name: str) -> None:
    """Raise unless the roots of a task's graphs are suspended: a started graph does not change."""
    for root in sorted(graphs.roots_of(name)):
        task = graphs.tasks[root]
        if task.props.state == STARTED:
            raise refusal(
                f"Unable to update graph with root task {task.name.fqn} since that root task is not suspended.", 91_421
            )


def check(graphs: TaskGraphs, task: Task) -> None:
    """Raise if a task, as the statement would leave it in the ``graphs`` of its schema, breaks a rule.

    Raises:
        SnowflakeError: with the rule that it breaks.
    """
    _check_values(task)
    if task.props.finalize:
        _check_finalizer(graphs, task)
    if task.props.predecessors:
        _check_predecessors(graphs, task)
    if not graphs.is_root(task.name.name):
        _check_child(task)
    _check_compute(task)
    _check_size(graphs, task)


def _check_values(task: Task) -> None:
    settings = task.props.settings
    for key, (least, most) in _RANGES.items():
        value = settings.get(key)
        if value is not None and not (value.lstrip("-").isdigit() and least <= int(value) <= most):
            raise compilation_error(f"invalid value [{value}] for parameter '{key}'", 1008, "22023")
    if settings.get("CONFIG") is not None:
        check_config(settings["CONFIG"])
    schedule_of(task)
    if task.props.condition:
        check_condition(task.props.condition)
    definition = task.props.definition
    if not definition.replace(";", " ").split():
        raise compilation_error("syntax error: a task needs a statement behind AS.")
    if is_block(definition):
        read_block(definition)


def check_config(text: str) -> None:
    """Raise unless a text is a JSON object."""
    with suppress(ValueError):
        if isinstance(json.loads(text), dict):
            return
    raise compilation_error(
        f"invalid value [{text}] for parameter 'CONFIG': it has to be a JSON object.", 1008, "22023"
    )


def check_condition(condition: str) -> None:
    """Raise if a WHEN condition uses more than the two functions, conversions, comparisons and logic."""
    tree = parse(f"SELECT {condition}")
    plain = (exp.Connector, exp.Cast, exp.TryCast, exp.Not)
    for node in tree.find_all(exp.Func, exp.Column, exp.Subquery):
        if isinstance(node, plain):
            continue
        if not (isinstance(node, exp.Anonymous) and str(node.this).upper() in _CONDITION_FUNCTIONS):
            raise compilation_error(
                "Invalid expression for task condition expression. Only some data type conversions and the following "
                f"functions are allowed: [{', '.join(sorted(_CONDITION_FUNCTIONS))}].",
                2_223,
            )


def _check_finalizer(graphs: TaskGraphs, task: Task) -> None:
    name, target = task.name, task.props.finalize or ""
    alone = not task.props.predecessors
    if not (graphs.is_root(target) or (target == name.name and alone)):
        raise refusal(f"Task {name.fqn} cannot finalize a non-root task {graphs.tasks[target].name.fqn}.")
    if target == name.name:
        raise refusal(f"Task {name.name} cannot finalize itself.")
    _check_child(task)
    if task.props.schedule:
        raise refusal(f"Task {name.name} cannot have a schedule and be a finalizer task.")
    if not alone:
        raise refusal(f"Task {name.fqn} cannot have predecessors as a finalizer task.")
    if graphs.children(name.name):
        raise refusal(f"Task {name.fqn} cannot have children as a finalizer task.")
    if any(t.props.finalize == target and n != name.name for n, t in graphs.tasks.items()):
        raise refusal(f"Finalize target {target} already have finalizer.")
    if graphs.finalizer_of(name.name):
        raise _has_finalizer(name.fqn)


def _has_finalizer(fqn: str) -> SnowflakeError:
    return refusal(
        f"Cannot replace task {fqn} with a non-root task because it has a finalizer task. "
        "Please remove the finalizer task first."
    )


def _check_predecessors(graphs: TaskGraphs, task: Task) -> None:
    name = task.name
    if graphs.finalizer_of(name.name):
        raise _has_finalizer(name.fqn)
    for predecessor in task.props.predecessors:
        above = graphs.tasks[predecessor]
        if above.props.finalize in graphs.tasks:
            raise refusal(f"Task {above.name.fqn} cannot have children as a finalizer task.")
    if task.props.schedule:
        raise refusal(f"Task {name.name} cannot have both a schedule and a predecessor.")
    if name.name in graphs.descendants(name.name):
        raise refusal(f"Task {name.fqn} cannot run after itself: a task graph has no loops.")


def _check_child(task: Task) -> None:
    name, settings = task.name, task.props.settings
    if settings.get("CONFIG") is not None:
        raise refusal(f"Task {name.fqn} cannot both be a non-root task and have a config.")
    if str(settings.get("ALLOW_OVERLAPPING_EXECUTION", "")).upper() == "TRUE":
        raise refusal(f"Cannot set allow_overlapping_execution on non-root task {name.fqn}.")
    if "OVERLAP_POLICY" in settings:
        raise refusal(f"Cannot set overlap_policy on non-root task {name.fqn}.")
    for key in ("TASK_AUTO_RETRY_ATTEMPTS", "SUSPEND_TASK_AFTER_NUM_FAILURES"):
        if key in settings:
            raise refusal(
                f"Cannot set parameter {key} on non-root task {name.name}. Non-root tasks use the parameter setting "
                "from their root task. Please set this on the root task for this task instead."
            )


def _check_compute(task: Task) -> None:
    name, settings, warehouse = task.name.fqn, task.props.settings, task.props.warehouse
    for key in ("USER_TASK_MANAGED_INITIAL_WAREHOUSE_SIZE", "TARGET_COMPLETION_INTERVAL"):
        if warehouse and key in settings:
            raise refusal(f"Task {name} cannot have both WAREHOUSE and {key}: the latter is for serverless tasks.")
    if is_triggered(task) and not warehouse and "TARGET_COMPLETION_INTERVAL" not in settings:
        raise refusal(f"Task {name} is triggered and serverless: it needs TARGET_COMPLETION_INTERVAL, or a WAREHOUSE.")


def _check_size(graphs: TaskGraphs, task: Task) -> None:
    name = task.name.name
    relatives = [
        (len(task.props.predecessors), "predecessors"),
        *((len(graphs.children(p)), "child tasks") for p in task.props.predecessors),
    ]
    for count, what in relatives:
        if count > _MOST_RELATIVES:
            raise refusal(
                f"Task {shown(name)} would make a graph with {count} {what} of one task; the most is {_MOST_RELATIVES}."
            )
    for root in graphs.roots_of(name):
        if len(graphs.descendants(root)) + 1 > _MOST_TASKS:
            raise refusal(f"The graph of root task {root} would have more than {_MOST_TASKS} tasks.")


def written(parts: list[str]) -> str:
    """A name as a refusal prints it."""
    return ".".join(shown(part) for part in parts)


def predecessors(ctx: Context, name: Name, after: list[list[str]], graphs: TaskGraphs) -> list[str]:
    """The names of predecessors: checked to be there, each once, in order."""
    found = [(parts, full_name(ctx, name, parts)) for parts in after]
    for parts, full in found:
        if not _is_there(ctx, name, full, graphs):
            raise refusal(f"Invalid predecessor {written(parts)} was specified.")
    if elsewhere := next((full.name for _, full in found if full[:2] != name[:2]), None):
        raise refusal(f"Cannot have predecessor {elsewhere} from a different schema.")
    return sorted({full.name for _, full in found})


def _is_there(ctx: Context, name: Name, other: Name, graphs: TaskGraphs) -> bool:
    """Whether a task that the definition of the task ``name`` refers to is there: all tasks of a graph have one owner.

    Source: https://docs.snowflake.com/en/user-guide/tasks-graphs
    """
    task = graphs.tasks.get(other.name) if other[:2] == name[:2] else ctx.catalog.get(TASK, other)
    return task is not None and ctx.rights.holds(task, OWNERSHIP)


def full_name(ctx: Context, task: Name, parts: list[str]) -> Name:
    """The full name of a task that a statement about another one names: alone it is one of the same schema."""
    return ctx.resolve(parts) if len(parts) > 1 else Name(task.database, task.schema, parts[0])


def finalize_target(ctx: Context, name: Name, parts: list[str] | None, graphs: TaskGraphs) -> str | None:
    """The name of the root that a task is to finalize: checked to be there."""
    if parts is None:
        return None
    full = full_name(ctx, name, parts)
    if not _is_there(ctx, name, full, graphs):
        raise refusal(f"Invalid finalized root task {written(parts)} was specified.")
    if full[:2] != name[:2]:
        raise refusal(f"Cannot finalize graph {written(parts)} in a different schema.")
    return full.name
