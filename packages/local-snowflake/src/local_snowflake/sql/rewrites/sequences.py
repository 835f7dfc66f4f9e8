"""``name.NEXTVAL``: the next value of a sequence, another one at each place and in each row.

Source: https://docs.snowflake.com/en/user-guide/querying-sequences
"""

from collections.abc import Iterator

from sqlglot import exp

from local_snowflake.catalog.objects import SEQUENCE, Sequence
from local_snowflake.errors import compilation_error
from local_snowflake.execution.context import Context
from local_snowflake.sql.names import literal, quote
from local_snowflake.sql.typing.static_types import StaticTypes

NEXTVAL = "NEXTVAL"


def physical_sequence(sequence: Sequence) -> str:
    """The full name of DuckDB's sequence, quoted."""
    return f"{quote(sequence.name.physical_schema)}.{quote(sequence.props.sequence)}"


def next_values(ctx: Context, tree: exp.Expression) -> exp.Expression | None:
    """``name.NEXTVAL`` -> DuckDB's nextval of the sequence."""
    named = list(_named(ctx, tree))
    for column, sequence in named:
        ctx.random_calls.add(f"{sequence.name.fqn}.{NEXTVAL}")
        value = exp.var(f"nextval({literal(physical_sequence(sequence))})")
        made: exp.Expr = exp.cast(value, "BIGINT")
        if isinstance(column.parent, exp.Select) and column.arg_key == "expressions":
            # a result's column is named as a column is
            made = exp.alias_(made, NEXTVAL, quoted=True)
        column.replace(made)
    return tree if named else None


def qualify_sequences(ctx: Context, tree: exp.Expression) -> None:
    """Give the sequences of an expression their full names, in place: it may be read from another schema later."""
    for column, sequence in list(_named(ctx, tree)):
        for part, name in (("catalog", 0), ("db", 1), ("table", 2)):
            column.set(part, exp.to_identifier(sequence.name[name], quoted=True))


def _named(ctx: Context, tree: exp.Expression) -> Iterator[tuple[exp.Column, Sequence]]:
    for column in tree.find_all(exp.Column):
        if column.name.upper() != NEXTVAL or not column.table or column.this.quoted:
            continue
        parts = [column.args.get(part) for part in ("catalog", "db", "table")]
        names = [part.name if part.quoted else part.name.upper() for part in parts if part is not None]
        sequence = ctx.catalog.get(SEQUENCE, ctx.resolve(names))
        if sequence is None:
            select = column.find_ancestor(exp.Select)
            if len(names) == 1 and select is not None and names[0] in StaticTypes(ctx).sources(select):
                # a column of that name
                continue
            text = f"error line 1 at position 0\ninvalid identifier '{'.'.join(names)}.{NEXTVAL}'"
            raise compilation_error(text, 904, "42000")
        yield column, sequence
