"""What the tests of rewrites share: SQL before, SQL after."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from local_snowflake.sql.dialect import parse, upper_case

if TYPE_CHECKING:
    from local_snowflake.execution.context import Context
    from local_snowflake.sql.compiler import TreeRewrite

# for rewrites that ask nothing of the session
NO_CONTEXT = cast("Context", None)


def rewritten(rewrite: TreeRewrite, sql: str) -> str:
    """Snowflake's SQL of a statement after one rewrite of its tree."""
    tree = upper_case(parse(sql))
    return (rewrite(NO_CONTEXT, tree) or tree).sql(dialect="snowflake")
