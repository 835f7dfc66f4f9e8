"""Functions that are evaluated outside DuckDB, over many rows at once: models' methods and Python functions."""

from local_snowflake.functions.bulk.calls import Call, Function, register
from local_snowflake.functions.bulk.rewrite import rewrite

__all__ = ["Call", "Function", "register", "rewrite"]
