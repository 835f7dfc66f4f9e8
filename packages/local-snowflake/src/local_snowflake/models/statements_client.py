"""What the Registry's client asks an account before it logs a model."""

from local_snowflake.errors import does_not_exist
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import statement, system_function
from local_snowflake.execution.results import Result, rows
from local_snowflake.sql.statement import Statement, skip_head

_PYPI = "SNOWFLAKE.SNOWPARK.PYPI_SHARED_REPOSITORY"


@system_function("SYSTEM$ML_PLATFORM_CAPABILITIES")
def platform_capabilities(ctx: Context) -> str:
    """SYSTEM$ML_PLATFORM_CAPABILITIES(): the optional features of the account for the Registry's client; none here."""
    return "{}"


@statement("DESCRIBE", "ARTIFACT REPOSITORY")
def describe_repository(ctx: Context, stmt: Statement) -> Result:
    """DESCRIBE ARTIFACT REPOSITORY: only Snowflake's own, which takes packages from PyPI, is there.

    Source: https://docs.snowflake.com/en/developer-guide/udf/python/udf-python-packages
    """
    reader = skip_head(stmt)
    name = ".".join(reader.name_parts())
    reader.finish()
    if name != _PYPI:
        raise does_not_exist("Artifact repository", name)
    properties = {"TYPE": "PIP", "API_INTEGRATION": ""}
    records = [{"property": k, "value": v} for k, v in properties.items()]
    return rows(records, {"property": None, "value": None})
