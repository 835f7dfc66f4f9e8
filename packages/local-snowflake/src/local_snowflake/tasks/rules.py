"""What a task and a graph of tasks may not be, each with Snowflake's sentence."""

from __future__ import annotations

import json

from sqlglot import exp

from local_snowflake.catalog.objects import Task
from local_snowflake.errors import SnowflakeError, compilation_error
from local_snowflake.scripting.reading import is_block, read_block
from local_snowflake.sql.dialect import parse
from local_snowflake.sql.names import shown
from local_snowflake.tasks.graphs_of_schema import STARTED, Family, is_triggered, schedule_of

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


def require_suspended(family: Family, name: str) -> None:
    """Raise unless the roots of a task's graphs are suspended: a started graph does not change."""
    for root in sorted(family.roots_of(name)):
        task = family.tasks[root]
        if task.props.state == STARTED:
            raise refusal(
                f"Unable to update graph with root task {task.name.fqn} since that root task is not suspended.", 91_421
            )


def check(family: Family, task: Task) -> None:
    """Raise if a task, as a member of its family, breaks a rule.

    Args:
        family: the tasks of the schema, the task itself and its changes among them.
        task: the task as the statement would leave it.

    Raises:
        SnowflakeError: with the rule that it breaks.
    """
    _check_values(task)
    if task.props.finalize:
        _check_finalizer(family, task)
    if task.props.predecessors:
        _check_predecessors(family, task)
    if not family.is_root(task.name.name):
        _check_child(task)
    _check_compute(task)
    _check_size(family, task)


def _check_values(task: Task) -> None:
    settings = task.props.settings
    for key, (least, most) in _RANGES.items():
        value = settings.get(key)
        if value is not None and not (value.lstrip("-").isdigit() and least <= int(value) <= most):
            raise compilation_error(f"invalid value [{value}] for parameter '{key}'", 1008, "22023")
    if settings.get("CONFIG") is not None:
        _check_config(settings["CONFIG"])
    schedule_of(task)
    if task.props.condition:
        check_condition(task.props.condition)
    check_body(task.props.definition)


def _check_config(text: str) -> None:
    try:
        valid = isinstance(json.loads(text), dict)
    except ValueError:
        valid = False
    if not valid:
        raise compilation_error(
            f"invalid value [{text}] for parameter 'CONFIG': it has to be a JSON object.", 1008, "22023"
        )


def check_config(text: str) -> None:
    """Raise unless a text is a JSON object."""
    _check_config(text)


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


def check_body(definition: str) -> None:
    """Raise if a body is no statement, or a block that does not parse."""
    if not definition.replace(";", " ").split():
        raise compilation_error("syntax error: a task needs a statement behind AS.")
    if is_block(definition):
        read_block(definition)


def _check_finalizer(family: Family, task: Task) -> None:
    name, target = task.name, task.props.finalize or ""
    alone = not task.props.predecessors
    if not (family.is_root(target) or (target == name.name and alone)):
        raise refusal(f"Task {name.fqn} cannot finalize a non-root task {family.tasks[target].name.fqn}.")
    if target == name.name:
        raise refusal(f"Task {name.name} cannot finalize itself.")
    _check_child(task)
    if task.props.schedule:
        raise refusal(f"Task {name.name} cannot have a schedule and be a finalizer task.")
    if not alone:
        raise refusal(f"Task {name.fqn} cannot have predecessors as a finalizer task.")
    if family.children(name.name):
        raise refusal(f"Task {name.fqn} cannot have children as a finalizer task.")
    if any(t.props.finalize == target and n != name.name for n, t in family.tasks.items()):
        raise refusal(f"Finalize target {target} already have finalizer.")
    if family.finalizer_of(name.name):
        raise _has_finalizer(name.fqn)


def _has_finalizer(fqn: str) -> SnowflakeError:
    return refusal(
        f"Cannot replace task {fqn} with a non-root task because it has a finalizer task. "
        "Please remove the finalizer task first."
    )


def _check_predecessors(family: Family, task: Task) -> None:
    name = task.name
    if family.finalizer_of(name.name):
        raise _has_finalizer(name.fqn)
    for predecessor in task.props.predecessors:
        above = family.tasks[predecessor]
        if above.props.finalize in family.tasks:
            raise refusal(f"Task {above.name.fqn} cannot have children as a finalizer task.")
    if task.props.schedule:
        raise refusal(f"Task {name.name} cannot have both a schedule and a predecessor.")
    if name.name in family.descendants(name.name):
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
    name, settings, warehouse = task.name, task.props.settings, task.props.warehouse
    serverless = [
        k for k in ("USER_TASK_MANAGED_INITIAL_WAREHOUSE_SIZE", "TARGET_COMPLETION_INTERVAL") if k in settings
    ]
    if warehouse and serverless:
        raise refusal(
            f"Task {name.fqn} cannot have both WAREHOUSE and {serverless[0]}: the latter is for serverless tasks."
        )
    if is_triggered(task) and not warehouse and "TARGET_COMPLETION_INTERVAL" not in settings:
        raise refusal(
            f"Task {name.fqn} is triggered and serverless: it needs TARGET_COMPLETION_INTERVAL, or a WAREHOUSE."
        )


def _check_size(family: Family, task: Task) -> None:
    name = task.name.name
    relatives = [
        (len(task.props.predecessors), "predecessors"),
        *((len(family.children(p)), "child tasks") for p in task.props.predecessors),
    ]
    for count, what in relatives:
        if count > _MOST_RELATIVES:
            raise refusal(
                f"Task {shown(name)} would make a graph with {count} {what} of one task; the most is {_MOST_RELATIVES}."
            )
    for root in family.roots_of(name):
        if len(family.descendants(root)) + 1 > _MOST_TASKS:
            raise refusal(f"The graph of root task {root} would have more than {_MOST_TASKS} tasks.")
