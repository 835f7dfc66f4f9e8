"""SHOW MODELS, SHOW VERSIONS IN MODEL and SHOW FUNCTIONS IN MODEL."""

import json
from datetime import datetime
from typing import Any

import pyarrow as pa

from local_snowflake.catalog.objects import MODEL, ModelVersion
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import statement
from local_snowflake.execution.results import Result, rows
from local_snowflake.execution.show_clauses import like_filter, read_clauses, select
from local_snowflake.models.versions import Model, folder_of, need_model, package_of
from local_snowflake.sql.statement import Statement, skip_head

_TIME = pa.timestamp("us", "UTC")
_MODEL_COLUMNS = (
    "name",
    "model_type",
    "database_name",
    "schema_name",
    "comment",
    "owner",
    "default_version_name",
    "versions",
    "aliases",
)
_VERSION_COLUMNS = (
    "name",
    "aliases",
    "comment",
    "database_name",
    "schema_name",
    "model_name",
    "is_default_version",
    "functions",
    "metadata",
    "user_data",
    "model_attributes",
    "size",
    "environment",
    "runnable_in",
    "inference_services",
    "model_spec",
)
_FUNCTION_COLUMNS = (
    "name",
    "version_name",
    "min_num_arguments",
    "max_num_arguments",
    "arguments",
    "return_type",
    "description",
    "language",
)


@statement("SHOW", "MODELS", "TERSE MODELS")
def show_models(ctx: Context, stmt: Statement) -> Result:
    """SHOW MODELS: https://docs.snowflake.com/en/sql-reference/sql/show-models."""
    records = []
    for found in select(ctx, read_clauses(skip_head(stmt)), MODEL):
        model = Model(found)
        records.append(
            {
                "created_on": found.created_on,
                "name": found.name.name,
                "model_type": "CUSTOM_MODEL",
                "database_name": found.name.database,
                "schema_name": found.name.schema,
                "comment": found.comment,
                "owner": found.owner,
                "default_version_name": model.default,
                "versions": json.dumps([v.name for v in model.versions]),
                "aliases": json.dumps(model.all_aliases()),
            }
        )
    return rows(records, {"created_on": _TIME, **dict.fromkeys(_MODEL_COLUMNS)})


@statement("SHOW", "VERSIONS")
def show_versions(ctx: Context, stmt: Statement) -> Result:
    """SHOW VERSIONS [LIKE …] IN MODEL: https://docs.snowflake.com/en/sql-reference/sql/show-versions-in-model."""
    reader = skip_head(stmt)
    like = reader.string() if reader.accept("LIKE") else None
    reader.expect("IN", "MODEL")
    model = need_model(ctx, ctx.resolve(reader.name_parts()))
    reader.finish()
    keep = like_filter(like)
    records = [_version_record(ctx, model, v) for v in model.versions if keep(v.name)]
    return rows(records, {"created_on": _TIME, **dict.fromkeys(_VERSION_COLUMNS)})


def _version_record(ctx: Context, model: Model, version: ModelVersion) -> dict[str, Any]:
    package = package_of(ctx, version)
    attributes = {"framework": package.framework, "task": package.task, "client": "snowflake-ml-python"}
    size = sum(f.stat().st_size for f in folder_of(ctx, version).rglob("*") if f.is_file())
    return {
        "created_on": datetime.fromisoformat(version.created_on),
        "name": version.name,
        "aliases": json.dumps(model.aliases_of(version)),
        "comment": version.comment,
        "database_name": model.name.database,
        "schema_name": model.name.schema,
        "model_name": model.name.name,
        "is_default_version": str(version.name == model.default).lower(),
        "functions": json.dumps([m.name for m in package.methods]),
        "metadata": version.metadata,
        "user_data": json.dumps(package.user_data),
        "model_attributes": json.dumps(attributes),
        "size": str(size),
        "environment": json.dumps({}),
        "runnable_in": json.dumps(list(package.target_platforms)),
        "inference_services": "[]",
        "model_spec": package.specification,
    }


@statement("SHOW", "FUNCTIONS IN MODEL")
def show_functions(ctx: Context, stmt: Statement) -> Result:
    """SHOW FUNCTIONS IN MODEL: https://docs.snowflake.com/en/sql-reference/sql/show-functions-in-model."""
    reader = skip_head(stmt)
    model = need_model(ctx, ctx.resolve(reader.name_parts()))
    version = model.version(reader.identifier() if reader.accept("VERSION") else None)
    reader.finish()
    records = [
        {
            "created_on": datetime.fromisoformat(version.created_on),
            "name": method.name,
            "version_name": version.name,
            "min_num_arguments": str(len(method.inputs)),
            "max_num_arguments": str(len(method.arguments)),
            "arguments": method.signature,
            "return_type": method.return_type,
            "description": "",
            "language": "PYTHON",
        }
        for method in package_of(ctx, version).methods
    ]
    return rows(records, {"created_on": _TIME, **dict.fromkeys(_FUNCTION_COLUMNS)})
