"""A block of Snowflake Scripting as a tree; SQL and expressions stay text until they run.

Source: https://docs.snowflake.com/en/sql-reference-snowflake-scripting
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Step:
    """One statement of a block; ``at`` is where it starts in the block's text."""

    at: int


Steps = tuple[Step, ...]


@dataclass(frozen=True)
class Declare(Step):
    """A variable: ``name [type] [DEFAULT | := expression]``."""

    name: str
    type: str | None
    value: str | None


@dataclass(frozen=True)
class DeclareCursor(Step):
    """``name CURSOR FOR query | resultset``."""

    name: str
    query: str


@dataclass(frozen=True)
class DeclareException(Step):
    """``name EXCEPTION [(number, 'text')]``."""

    name: str
    number: int
    text: str


@dataclass(frozen=True)
class Assign(Step):
    """``name := expression``; the expression may be a query or EXECUTE IMMEDIATE for a RESULTSET."""

    name: str
    value: str


@dataclass(frozen=True)
class DeclareResultSet(Step):
    """``name RESULTSET [:= (query)]``."""

    name: str
    value: str | None


@dataclass(frozen=True)
class Branch(Step):
    """IF and CASE: the first pair whose condition holds runs; a condition of None is ELSE."""

    branches: tuple[tuple[str | None, Steps], ...]
    # CASE expression: what each WHEN is compared with
    subject: str | None = None


@dataclass(frozen=True)
class Loop(Step):
    """WHILE, REPEAT and LOOP; ``label`` is the name behind END."""

    body: Steps
    label: str | None
    condition: str | None = None
    until: str | None = None


@dataclass(frozen=True)
class CountingLoop(Step):
    """``FOR name IN [REVERSE] first TO last``."""

    body: Steps
    label: str | None
    name: str
    first: str
    last: str
    reverse: bool


@dataclass(frozen=True)
class RowLoop(Step):
    """``FOR name IN cursor | resultset``."""

    body: Steps
    label: str | None
    name: str
    source: str


@dataclass(frozen=True)
class Jump(Step):
    """BREAK and CONTINUE."""

    leave: bool
    label: str | None


@dataclass(frozen=True)
class Return(Step):
    """``RETURN [expression]``, or ``RETURN TABLE(resultset)`` with ``table``."""

    value: str | None
    table: bool = False


@dataclass(frozen=True)
class Raise(Step):
    """``RAISE [exception]``."""

    name: str | None


@dataclass(frozen=True)
class Cursor(Step):
    """``OPEN name [USING (…)]``, ``FETCH name INTO …``, ``CLOSE name``."""

    verb: str
    name: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sql(Step):
    """Any SQL statement, with the variables that take the columns of its only row."""

    text: str
    into: tuple[str, ...] = ()


@dataclass(frozen=True)
class Immediate(Step):
    """``EXECUTE IMMEDIATE expression [INTO …] [USING (…)]``."""

    text: str
    using: tuple[str, ...] = ()
    into: tuple[str, ...] = ()


@dataclass(frozen=True)
class Handler:
    """``WHEN exception [OR exception …] THEN …``."""

    names: tuple[str, ...]
    body: Steps


@dataclass(frozen=True)
class Block(Step):
    """``[DECLARE …] BEGIN … [EXCEPTION …] END``."""

    declarations: Steps
    body: Steps
    handlers: tuple[Handler, ...] = field(default=())
