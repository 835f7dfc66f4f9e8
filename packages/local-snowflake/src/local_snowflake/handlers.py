"""All modules that handle statements; importing this one registers them."""

import importlib

MODULES = (
    "statements.account",
    "statements.alter_table",
    "scripting.blocks",
    "statements.clones",
    "statements.comments",
    "copy.statements",
    "statements.databases",
    "statements.definitions",
    "stages.file_formats",
    "routines.objects",
    "information_schema.views",
    "copy.infer",
    "copy.load_history",
    "models.statements_change",
    "models.statements_create",
    "models.statements_show",
    "routines.procedures",
    "statements.session",
    "statements.show",
    "stages.files",
    "copy.staged_queries",
    "stages.statements",
    "streams.reading",
    "streams.statements",
    "statements.tables",
    "statements.tags",
    "tasks.alter",
    "tasks.functions",
    "tasks.history_functions",
    "tasks.show",
    "tasks.statements",
    "streams.time_travel",
    "statements.transactions",
    "statements.views",
)
for _name in MODULES:
    importlib.import_module(f"local_snowflake.{_name}")
