"""Anonymous blocks, and procedures whose body is one.

Source: https://docs.snowflake.com/en/developer-guide/snowflake-scripting/blocks
"""

from typing import Any

import pyarrow as pa

from local_snowflake.catalog.objects import Routine
from local_snowflake.execution.context import Context
from local_snowflake.execution.results import Result
from local_snowflake.routines.scoping import scoped
from local_snowflake.scripting.faults import ScriptError
from local_snowflake.scripting.interpreter import Interpreter
from local_snowflake.scripting.reading import read_block
from local_snowflake.scripting.variables import arguments


def run_anonymous(ctx: Context, text: str) -> Result:
    """Run a block that has no name; returns what it returns.

    Raises:
        SnowflakeError: for an exception that the block does not handle, with the line of its text.
    """
    return _run(ctx, text, "anonymous block", {}, None, None)


def call(ctx: Context, procedure: Routine, values: pa.Table) -> Result:
    """Run the block of a procedure whose language is SQL; ``values`` is one row, the converted arguments."""
    props = procedure.props
    returns = props.returns if props.table_columns is None else None
    return _run(ctx, props.body or "", props.name, arguments(props.args, values), returns, procedure)


def _run(
    ctx: Context, text: str, name: str, names: dict[str, Any], returns: str | None, procedure: Routine | None
) -> Result:
    block = read_block(text)
    with scoped(ctx, procedure) as inner:
        try:
            return Interpreter(Context(ctx.services, inner), name, returns).run(block, names)
        except ScriptError as error:
            raise error.uncaught(text) from None
