"""Functions that are evaluated outside DuckDB, over many rows at once: models' methods and Python functions."""

from local_snowflake.functions.bulk.calls import Call, Function, announce
from local_snowflake.functions.bulk.rewrite import rewrite

__all__ = ["Call", "Function", "announce", "rewrite"]
