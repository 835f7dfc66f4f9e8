"""Anonymous blocks, procedures whose body is one, and EXECUTE IMMEDIATE.

BEGIN … END is distinguished from BEGIN [TRANSACTION] by the next words.

Source: https://docs.snowflake.com/en/developer-guide/snowflake-scripting/blocks
"""

from typing import Any

import pyarrow as pa

from local_snowflake.catalog.objects import Routine
from local_snowflake.errors import compilation_error
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import statement
from local_snowflake.execution.results import Result
from local_snowflake.python.sandbox.zoned_times import value_at
from local_snowflake.routines.scoping import scoped
from local_snowflake.scripting.evaluation import Evaluation
from local_snowflake.scripting.faults import ScriptError
from local_snowflake.scripting.interpreter import Interpreter
from local_snowflake.scripting.reading import BlockReader, read_block
from local_snowflake.scripting.variables import Scope, Variable
from local_snowflake.sql import binds
from local_snowflake.sql.statement import Statement, tokenize
from local_snowflake.sql.types import parse_type


def run_anonymous(ctx: Context, text: str) -> Result:
    """Run a block that has no name; returns what it returns.

    Raises:
        SnowflakeError: for an exception that the block does not handle, with the line of its text.
    """
    return _run(ctx, text, "anonymous block", {})


def call(ctx: Context, procedure: Routine, values: pa.Table) -> Result:
    """Run the block of a procedure whose language is SQL; ``values`` is one row, the converted arguments."""
    props = procedure.props
    given = zip(props.args, values.columns, strict=True)
    names = {a.name: Variable(value_at(column, 0), parse_type(a.type), a.type) for a, column in given}
    return _run(ctx, props.body or "", props.name, names, procedure)


def _run(ctx: Context, text: str, name: str, names: dict[str, Any], procedure: Routine | None = None) -> Result:
    block = read_block(text)
    returns = procedure.props.returns if procedure and procedure.props.table_columns is None else None
    with scoped(ctx, procedure) as inner:
        try:
            return Interpreter(Context(ctx.services, inner), name, returns).run(block, names)
        except ScriptError as error:
            raise error.uncaught(text) from None


@statement("DECLARE")
def declare(ctx: Context, stmt: Statement) -> Result:
    """DECLARE … BEGIN … END: an anonymous block."""
    return run_anonymous(ctx, stmt.sql)


@statement("EXECUTE", "IMMEDIATE")
def execute_immediate(ctx: Context, stmt: Statement) -> Result:
    """EXECUTE IMMEDIATE text | $variable [USING (…)]: runs the text, which may be a block.

    Source: https://docs.snowflake.com/en/sql-reference/sql/execute-immediate
    """
    reader = BlockReader(stmt.sql)
    step = reader.immediate(0)
    reader.finish()
    if step.into:
        raise compilation_error("EXECUTE IMMEDIATE … INTO is allowed in a block of Snowflake Scripting only.")
    evaluation = Evaluation(ctx)
    text = evaluation.value(step.text, Scope(), "VARCHAR").value
    if not text or not tokenize(text):
        raise compilation_error("EXECUTE IMMEDIATE needs a statement: the text is empty or NULL.")
    values = [evaluation.value(v, Scope()).literal for v in step.using]
    return ctx.execute(binds.fill_in_order(text, values))
