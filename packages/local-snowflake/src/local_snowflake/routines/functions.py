"""User-defined functions: create, drop, describe, show."""

from local_snowflake.errors import not_supported
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import statement, system_function
from local_snowflake.execution.results import Result
from local_snowflake.routines import expansion, objects, scalar  # noqa: F401 (they register how functions are called)
from local_snowflake.sql.statement import Statement


@statement("CREATE", "FUNCTION")
def create_function(ctx: Context, stmt: Statement) -> Result:
    """CREATE FUNCTION: https://docs.snowflake.com/en/sql-reference/sql/create-function."""
    return objects.create(ctx, stmt, "FUNCTION")


@statement("CREATE", "AGGREGATE FUNCTION")
def create_aggregate_function(ctx: Context, stmt: Statement) -> Result:
    """CREATE AGGREGATE FUNCTION, in Python: https://docs.snowflake.com/en/sql-reference/sql/create-function."""
    return objects.create(ctx, stmt, "FUNCTION", aggregate=True)


@statement("CREATE", "EXTERNAL FUNCTION", "DATA METRIC FUNCTION")
def create_other_function(_: Context, stmt: Statement) -> Result:
    """Functions that only Snowflake can run."""
    raise not_supported(f"CREATE {stmt.kind}")


@statement("DROP", "FUNCTION")
def drop_function(ctx: Context, stmt: Statement) -> Result:
    """DROP FUNCTION: https://docs.snowflake.com/en/sql-reference/sql/drop-function."""
    return objects.drop(ctx, stmt, "FUNCTION")


@statement("DESCRIBE", "FUNCTION")
def describe_function(ctx: Context, stmt: Statement) -> Result:
    """DESCRIBE FUNCTION: https://docs.snowflake.com/en/sql-reference/sql/desc-function."""
    return objects.describe(ctx, stmt, "FUNCTION")


@statement("SHOW", "FUNCTIONS", "USER FUNCTIONS")
def show_functions(ctx: Context, stmt: Statement) -> Result:
    """SHOW [USER] FUNCTIONS: https://docs.snowflake.com/en/sql-reference/sql/show-user-functions."""
    return objects.show(ctx, objects.clauses_of(stmt), "FUNCTION")


@system_function("SYSTEM$GET_DEFAULT_PYTHON_ARTIFACT_REPOSITORY")
def default_artifact_repository(_: Context, *__: str) -> str:
    """Where packages come from by default; asked for by Snowpark when it registers a function."""
    return "snowflake.snowpark.anaconda_shared_repository"


@statement("ALTER", "FUNCTION")
def alter_function(ctx: Context, stmt: Statement) -> Result:
    """ALTER FUNCTION: https://docs.snowflake.com/en/sql-reference/sql/alter-function."""
    return objects.alter(ctx, stmt, "FUNCTION")


@statement("COMMENT", "ON FUNCTION")
def comment_on_function(ctx: Context, stmt: Statement) -> Result:
    """COMMENT ON FUNCTION name(types) IS 'text'."""
    return objects.comment(ctx, stmt, "FUNCTION")


@system_function("SYSTEM$ARE_ANACONDA_TERMS_ACKNOWLEDGED")
def anaconda_terms(_: Context) -> bool:
    """Whether packages may be used; asked for by Snowpark when it finds one unknown."""
    return True
