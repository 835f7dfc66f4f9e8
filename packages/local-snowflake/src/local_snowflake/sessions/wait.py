"""SYSTEM$WAIT: https://docs.snowflake.com/en/sql-reference/functions/system_wait."""

from __future__ import annotations

import threading

from local_snowflake.errors import SnowflakeError, compilation_error
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import statement, system_function
from local_snowflake.execution.results import Result, rows
from local_snowflake.sql.statement import Statement, skip_head

_UNITS = {"DAYS": 86_400.0, "HOURS": 3600.0, "MINUTES": 60.0, "SECONDS": 1.0, "MILLISECONDS": 0.001}


@system_function("SYSTEM$WAIT", effective="VARCHAR")
def wait(ctx: Context, amount: float, unit: str = "SECONDS") -> str:
    """SYSTEM$WAIT(amount [, unit]): do nothing for a while; an interrupt of the session ends it.

    Raises:
        SnowflakeError: 001003 for another unit; 000604 when it was interrupted.
    """
    if str(unit).upper() not in _UNITS:
        raise compilation_error(f"invalid unit [{unit}] of SYSTEM$WAIT: one of {', '.join(_UNITS)}.")
    interrupted = threading.Event()
    ctx.session.on_interrupt.append(interrupted.set)
    try:
        if interrupted.wait(float(amount) * _UNITS[str(unit).upper()]):
            raise SnowflakeError(604, "57014", "SQL execution canceled")
    finally:
        ctx.session.on_interrupt.remove(interrupted.set)
    return f"waited {amount:g} {str(unit).lower()}"


@statement("CALL", "SYSTEM$WAIT")
def call_wait(ctx: Context, stmt: Statement) -> Result:
    """CALL SYSTEM$WAIT(amount [, unit])."""
    reader = skip_head(stmt)
    given = reader.value_list()
    reader.finish()
    return rows([{"SYSTEM$WAIT": wait(ctx, float(given[0]), *given[1:])}], {"SYSTEM$WAIT": None})
