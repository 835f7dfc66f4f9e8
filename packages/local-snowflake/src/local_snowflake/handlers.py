"""All modules that handle statements; importing this one registers them."""

import importlib

_MODULES = {
    "copy": ("infer", "load_history", "staged_queries", "statements"),
    "information_schema": ("views",),
    "models": ("statements_change", "statements_create", "statements_show"),
    "roles": ("grants", "roles", "show", "views"),
    "routines": ("objects", "procedures", "references"),
    "scripting": ("blocks",),
    "sql": ("explain",),
    "stages": ("file_formats", "files", "statements"),
    "statements": (
        "alter_table",
        "clones",
        "comments",
        "databases",
        "definitions",
        "keys",
        "multi_insert",
        "session",
        "show",
        "tables",
        "tags",
        "sequences",
        "transactions",
        "views",
        "warehouses",
    ),
    "streams": ("reading", "statements", "time_travel"),
    "tasks": ("alter", "functions", "history_functions", "show", "statements"),
    "users": ("statements",),
}
for _package, _names in _MODULES.items():
    for _name in _names:
        importlib.import_module(f"local_snowflake.{_package}.{_name}")
