"""DECLARE … and EXECUTE IMMEDIATE; BEGIN … END is distinguished from BEGIN [TRANSACTION] by the next words."""

from local_snowflake.errors import compilation_error
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import statement
from local_snowflake.execution.results import Result
from local_snowflake.scripting.blocks import run_anonymous
from local_snowflake.scripting.evaluation import Evaluation
from local_snowflake.scripting.reading import BlockReader
from local_snowflake.scripting.variables import Scope
from local_snowflake.sql import binds
from local_snowflake.sql.statement import Statement, tokenize


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
