"""DuckDB functions that hand their rows to Python, one vector of at most 2,048 rows after the other."""

from collections.abc import Callable, Sequence

import duckdb
import pyarrow as pa
from duckdb.func import ARROW, SPECIAL
from sqlglot import exp

from local_snowflake.errors import SnowflakeError, carried
from local_snowflake.execution.context import Context

Work = Callable[[list[pa.ChunkedArray], int], pa.Array]
# no quotes are needed for the names: fakesnow reads the names of functions as plain text
_PREFIX = "_PYTHON_"
_TYPES = ("VARCHAR", "BIGINT", "DOUBLE", "BOOLEAN", "DATE", "TIME", "TIMESTAMP", "TIMESTAMPTZ", "INTERVAL", "BLOB")


class VectorFunctions:
    """One DuckDB function a result type; its first argument is the key of what it calls.

    They are made before any transaction begins: a function that is made later is not seen by open transactions.
    """

    def __init__(self, duck: duckdb.DuckDBPyConnection) -> None:
        """Make the functions in the account of ``duck``, a connection that stays open: DuckDB crashes without it."""
        self._duck = duck
        self._works: dict[str, Work] = {}
        for kind in _TYPES:
            duck.create_function(
                _PREFIX + kind, self._run, None, kind, type=ARROW, null_handling=SPECIAL, side_effects=True
            )

    def register(self, key: str, work: Work) -> None:
        """Let expressions call ``work`` under a key; a registered key is replaced."""
        self._works[key] = work

    def knows(self, prefix: str) -> bool:
        """Whether a key starts with ``prefix``."""
        return any(k.startswith(prefix) for k in list(self._works))

    def forget(self, prefix: str) -> None:
        """Take back the keys that start with ``prefix``."""
        for key in [k for k in list(self._works) if k.startswith(prefix)]:
            del self._works[key]

    def _run(self, *columns: pa.ChunkedArray) -> pa.Array:
        key, rows = columns[0][0].as_py(), len(columns[0])
        try:
            return self._works[key](list(columns[1:]), rows)
        except SnowflakeError as error:
            raise RuntimeError(carried(error)) from None


def vector_call(ctx: Context, key: str, kind: str, arguments: Sequence[exp.Expr], work: Work) -> exp.Expr:
    """An expression that calls ``work`` for the rows of one vector after the other, as long as the session lasts.

    The key identifies the work within the session. The work takes the arguments' columns and the number of rows; a
    result that is neither a number of 64 bits or less, a truth value, a time nor binary comes as text.
    """
    vectors, prefix = ctx.services.get(VectorFunctions), f"{ctx.session.id}:"
    if not vectors.knows(prefix):
        ctx.session.endings.append(lambda: vectors.forget(prefix))
    vectors.register(prefix + key, work)
    return called(prefix + key, kind, arguments)


def vector_type(kind: str) -> str:
    """The DuckDB type in which a vector's results come that are to be of a type."""
    kind = kind.replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ")
    return kind if kind in _TYPES else "VARCHAR"


def called(key: str, kind: str, arguments: Sequence[exp.Expr]) -> exp.Expr:
    """An expression of the DuckDB type ``kind`` that calls what is registered under a key."""
    kind = kind.replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ")
    returned = vector_type(kind)
    expression = exp.Anonymous(this=_PREFIX + returned, expressions=[exp.Literal.string(key), *arguments])
    if returned == kind:
        return expression
    return exp.Cast(this=expression, to=exp.DataType.build(kind, dialect="duckdb"))
