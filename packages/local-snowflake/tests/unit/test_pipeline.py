"""The order of rewrites: where it matters, and that the order of imports does not change it."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

from local_snowflake.copy.staged_queries import read_stages
from local_snowflake.functions import bulk
from local_snowflake.models.predict import expand_table_functions
from local_snowflake.rewrites import PIPELINE
from local_snowflake.routines import expansion
from local_snowflake.sql.compiler import TreeRewrite
from local_snowflake.sql.rewrites.pivots import pivots_of_snowflake

_SEED = 20_261_130
_PRINT_PIPELINE = """
import importlib, sys
for module in sys.argv[1:]:
    importlib.import_module(module)
from local_snowflake.rewrites import PIPELINE
of_trees = (rewrite for rewrite, _ in (*PIPELINE.tree, *PIPELINE.block))
print([f"{r.__module__}.{r.__name__}" for r in (*PIPELINE.text, *of_trees)])
"""


def _name(rewrite: TreeRewrite) -> str:
    return f"{rewrite.__module__.removeprefix('local_snowflake.')}.{rewrite.__name__}"


_OF_TREES = tuple(rewrite for rewrite, _ in (*PIPELINE.tree, *PIPELINE.block))
_AFTER_EXPANSION = [r for r in _OF_TREES if r not in {expand_table_functions, expansion.expand}]
_ORDER = [
    # the arguments of a model's table function may contain calls that are evaluated in bulk
    (expand_table_functions, bulk.rewrite),
    # the body of a SQL function may contain whatever a query contains
    *((expansion.expand, later) for later in _AFTER_EXPANSION),
    # the query for a pivot's values ends with dropping the rows that are registered for the statement
    (pivots_of_snowflake, read_stages),
]


@pytest.mark.parametrize(("earlier", "later"), _ORDER, ids=_name)
def test_a_rewrite_precedes_another(earlier: TreeRewrite, later: TreeRewrite) -> None:
    assert _OF_TREES.index(earlier) < _OF_TREES.index(later)


def test_no_rewrite_is_applied_twice() -> None:
    assert len(set(_OF_TREES)) == len(_OF_TREES)
    assert len(set(PIPELINE.text)) == len(PIPELINE.text)


def test_the_order_of_imports_does_not_matter() -> None:
    modules = sorted({r.__module__ for r in (*PIPELINE.text, *_OF_TREES)} | {"local_snowflake.handlers"})
    random.Random(_SEED).shuffle(modules)
    expected = str([f"{r.__module__}.{r.__name__}" for r in (*PIPELINE.text, *_OF_TREES)])
    command = [sys.executable, "-c", _PRINT_PIPELINE, *modules]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip() == expected
