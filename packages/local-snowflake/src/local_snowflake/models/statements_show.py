"""SHOW MODELS, SHOW VERSIONS IN MODEL, SHOW FUNCTIONS IN MODEL, and what the Registry's client asks for besides."""

import json
from collections.abc import Callable
from datetime import datetime

from local_snowflake.catalog.objects import MODEL, ModelVersion
from local_snowflake.errors import does_not_exist
from local_snowflake.execution.context import Context
from local_snowflake.execution.objects import listing
from local_snowflake.execution.registry import statement, system_function
from local_snowflake.execution.results import Result, rows
from local_snowflake.execution.show_clauses import like_filter, read_clauses, select
from local_snowflake.models.manifest import Method, Package
from local_snowflake.models.versions import Model, folder_of, need_model, package_of
from local_snowflake.sql.statement import Statement, skip_head

_PYPI = "SNOWFLAKE.SNOWPARK.PYPI_SHARED_REPOSITORY"
_CLIENT = {"client": "snowflake-ml-python"}


@statement("SHOW", "MODELS", "TERSE MODELS")
def show_models(ctx: Context, stmt: Statement) -> Result:
    """SHOW MODELS: https://docs.snowflake.com/en/sql-reference/sql/show-models."""
    columns: dict[str, Callable[[Model], object]] = {
        "created_on": lambda m: m.object.created_on,
        "name": lambda m: m.name.name,
        "model_type": lambda _: "CUSTOM_MODEL",
        "database_name": lambda m: m.name.database,
        "schema_name": lambda m: m.name.schema,
        "comment": lambda m: m.object.comment,
        "owner": lambda m: m.object.owner,
        "default_version_name": lambda m: m.default,
        "versions": lambda m: json.dumps([v.name for v in m.versions]),
        "aliases": lambda m: json.dumps({alias: v.name for alias, v in m.aliases().items()}),
    }
    return listing(map(Model, select(ctx, read_clauses(skip_head(stmt)), MODEL)), columns)


@statement("SHOW", "VERSIONS")
def show_versions(ctx: Context, stmt: Statement) -> Result:
    """SHOW VERSIONS [LIKE …] IN MODEL: https://docs.snowflake.com/en/sql-reference/sql/show-versions-in-model."""
    reader = skip_head(stmt)
    like = reader.string() if reader.accept("LIKE") else None
    reader.expect("IN", "MODEL")
    model = need_model(ctx, ctx.resolve(reader.name_parts()))
    reader.finish()
    keep = like_filter(like)
    columns: dict[str, Callable[[tuple[ModelVersion, Package]], object]] = {
        "created_on": lambda v: datetime.fromisoformat(v[0].created_on),
        "name": lambda v: v[0].name,
        "aliases": lambda v: json.dumps([alias for alias, meant in model.aliases().items() if meant is v[0]]),
        "comment": lambda v: v[0].comment,
        "database_name": lambda _: model.name.database,
        "schema_name": lambda _: model.name.schema,
        "model_name": lambda _: model.name.name,
        "is_default_version": lambda v: str(v[0].name == model.default).lower(),
        "functions": lambda v: json.dumps([m.name for m in v[1].methods]),
        "metadata": lambda v: v[0].metadata,
        "user_data": lambda v: json.dumps(v[1].user_data),
        "model_attributes": lambda v: json.dumps({"framework": v[1].framework, "task": v[1].task} | _CLIENT),
        "size": lambda v: str(sum(f.stat().st_size for f in folder_of(ctx, v[0]).rglob("*") if f.is_file())),
        "environment": lambda _: "{}",
        "runnable_in": lambda v: json.dumps(v[1].target_platforms),
        "inference_services": lambda _: "[]",
        "model_spec": lambda v: v[1].specification,
    }
    return listing(((v, package_of(ctx, v)) for v in model.versions if keep(v.name)), columns)


@statement("SHOW", "FUNCTIONS IN MODEL")
def show_functions(ctx: Context, stmt: Statement) -> Result:
    """SHOW FUNCTIONS IN MODEL: https://docs.snowflake.com/en/sql-reference/sql/show-functions-in-model."""
    reader = skip_head(stmt)
    model = need_model(ctx, ctx.resolve(reader.name_parts()))
    version = model.version(reader.identifier() if reader.accept("VERSION") else None)
    reader.finish()
    columns: dict[str, Callable[[Method], object]] = {
        "created_on": lambda _: datetime.fromisoformat(version.created_on),
        "name": lambda m: m.name,
        "version_name": lambda _: version.name,
        "min_num_arguments": lambda m: str(len(m.inputs)),
        "max_num_arguments": lambda m: str(len(m.arguments)),
        "arguments": lambda m: m.signature,
        "return_type": lambda m: m.return_type,
        "description": lambda _: "",
        "language": lambda _: "PYTHON",
    }
    return listing(package_of(ctx, version).methods, columns)


# -- what the Registry's client asks before it logs a model ------------------------------------------------------------


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
    records = [{"property": "TYPE", "value": "PIP"}, {"property": "API_INTEGRATION", "value": ""}]
    return rows(records, {"property": None, "value": None})
