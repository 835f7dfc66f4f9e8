"""Columns and constraints of tables: how a statement declares them, in the catalog, and in DuckDB.

What a definition asks for and the local Snowflake does not do is refused by name.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlglot import exp

from local_snowflake import streams
from local_snowflake.catalog.catalog import Change
from local_snowflake.catalog.objects import TABLE, Column, Table
from local_snowflake.errors import compilation_error, does_not_exist, not_supported, syntax_error
from local_snowflake.execution.context import Context, temporary_name
from local_snowflake.routines.calls import function_calls
from local_snowflake.routines.definition import read_type
from local_snowflake.routines.expansion import expand
from local_snowflake.sql.columns.defaults import default_sql
from local_snowflake.sql.columns.kinds import is_structured
from local_snowflake.sql.dialect import parse, upper_case
from local_snowflake.sql.names import Name, literal, quote
from local_snowflake.sql.resolve import replace_parameters, table_name
from local_snowflake.sql.rewrites.sequences import qualify_sequences
from local_snowflake.sql.types import parse_type
from local_snowflake.streams.tracking import next_id

_CONSTRAINTS = (exp.Constraint, exp.PrimaryKey, exp.UniqueColumnConstraint, exp.ForeignKey, exp.CheckColumnConstraint)


def parse_definitions(ctx: Context, text: str) -> tuple[list[Column], list[exp.Expression]]:
    """Read the columns and constraints of a table from what the brackets of CREATE TABLE contain.

    Raises 001003 if it is something else; 000002 with its text, for what is not supported.
    """
    return read_definitions(ctx, parse(f"CREATE TABLE T ({text})").this)


def read_definitions(ctx: Context, schema: exp.Expression) -> tuple[list[Column], list[exp.Expression]]:
    """As ``parse_definitions``, of a syntax tree."""
    columns: list[Column] = []
    constraints: list[exp.Expression] = []
    for part in upper_case(schema).expressions:
        if isinstance(part, exp.ColumnDef):
            columns.append(_read_column(ctx, part))
        elif isinstance(part, _CONSTRAINTS):
            constraints.append(part)
        else:
            raise syntax_error(f"syntax error unexpected '{part.sql(dialect='snowflake')}' in a table's definition.")
    return columns, constraints


def _read_column(ctx: Context, column: exp.ColumnDef) -> Column:
    kind = column.args.get("kind")
    if kind is not None and is_structured(kind):
        raise not_supported(f"the structured type {kind.sql(dialect='snowflake')} of column {column.name}")
    found = Column(column.name, read_type(kind.sql(dialect="snowflake")) if kind is not None else "VARCHAR(16777216)")
    for constraint in column.args.get("constraints") or []:
        own = constraint.args.get("kind")
        if isinstance(own, exp.DefaultColumnConstraint):
            _check_kind_of_default(found, own.this)
        found = _constrain_column(ctx, found, own)
    return found


def _check_kind_of_default(column: Column, value: exp.Expr) -> None:
    """Raise 002023 for a text as the default of a column of numbers or truth values."""
    kind = parse_type(column.type)
    if kind.name in {"NUMBER", "FLOAT", "BOOLEAN"} and isinstance(value, exp.Literal) and value.is_string:
        found = f"VARCHAR({len(value.this)}) for column {column.name}"
        text = f"Expression type does not match column data type, expecting {kind} but got {found}"
        raise compilation_error(text, 2023, "22000")


def _constrain_column(ctx: Context, column: Column, constraint: exp.Expression) -> Column:
    """The column with one of its own constraints."""
    if isinstance(constraint, exp.NotNullColumnConstraint):
        return replace(column, nullable=bool(constraint.args.get("allow_null")))
    if isinstance(constraint, exp.PrimaryKeyColumnConstraint):
        return replace(column, primary_key=True, nullable=False)
    if isinstance(constraint, exp.UniqueColumnConstraint) and constraint.this is None:
        return replace(column, unique=True)
    if isinstance(constraint, exp.DefaultColumnConstraint):
        return replace(column, default=read_default(ctx, constraint.this))
    if isinstance(constraint, exp.CommentColumnConstraint):
        return replace(column, comment=constraint.this.name)
    if isinstance(constraint, exp.ComputedColumnConstraint) or constraint.args.get("expression") is not None:
        raise not_supported(f"the computed column {column.name}")
    if isinstance(constraint, (exp.AutoIncrementColumnConstraint, exp.GeneratedAsIdentityColumnConstraint)):
        start, step = constraint.args.get("start"), constraint.args.get("increment")
        # a negative one is an operator and a number
        return replace(column, identity=(int(start.sql()) if start else 1, int(step.sql()) if step else 1))
    if isinstance(constraint, exp.Reference):
        return _referring(ctx, [column], [column.name], constraint)[0]
    if not isinstance(constraint, exp.ForeignKey):
        raise not_supported(f"{constraint.sql(dialect='snowflake')} of column {column.name}")
    return column


def refuse_repeated_names(names: Sequence[str]) -> None:
    """Raise 002025 if two columns have one name; 000002 if their names differ by case only."""
    for number, name in enumerate(names):
        before = names[:number]
        if name in before:
            raise compilation_error(f"duplicate column name '{name}'", 2025, "42S21")
        if other := next((other for other in before if other.upper() == name.upper()), None):
            raise not_supported(f"columns whose names differ by case only: {quote(other)}, {quote(name)}")


def constrain(ctx: Context, columns: Iterable[Column], constraint: exp.Expression) -> list[Column]:
    """A table's columns, in their order, with a constraint of the table; of keys only NOT NULL is enforced.

    Raises 000904 if it names no column of the table; 000002 with its text, for what is not supported.

    Source: https://docs.snowflake.com/en/sql-reference/constraints-overview
    """
    columns = list(columns)
    if isinstance(constraint, exp.Constraint):
        for inner in constraint.expressions:
            columns = constrain(ctx, columns, inner)
        return columns
    if isinstance(constraint, exp.PrimaryKey):
        names = [key.name for key in constraint.expressions]
    elif isinstance(constraint, exp.UniqueColumnConstraint) and constraint.this is not None:
        names = [key.name for key in constraint.this.expressions]
    elif isinstance(constraint, exp.ForeignKey) and isinstance(constraint.args.get("reference"), exp.Reference):
        names = [key.name for key in constraint.expressions]
        columns = _referring(ctx, columns, names, constraint.args["reference"])
    else:
        raise not_supported(f"the constraint {constraint.sql(dialect='snowflake')}")
    if unknown := [name for name in names if name not in {c.name for c in columns}]:
        raise compilation_error(f"error line 1 at position 0\ninvalid identifier '{unknown[0]}'", 904, "42000")
    if isinstance(constraint, exp.PrimaryKey):
        return [replace(c, primary_key=True, nullable=False) if c.name in names else c for c in columns]
    if isinstance(constraint, exp.UniqueColumnConstraint):
        return [replace(c, unique=True) if c.name in names else c for c in columns]
    return columns


def _referring(ctx: Context, columns: list[Column], names: list[str], reference: exp.Reference) -> list[Column]:
    """The columns, some of which are a foreign key: it is not enforced, but the table that it refers to must exist."""
    table = reference.find(exp.Table)
    if table is None:
        raise not_supported(reference.sql(dialect="snowflake"))
    name = table_name(ctx, table)
    if not TABLE.describes(referred_to := ctx.relation(name)):
        raise does_not_exist("Table", name.fqn)
    ctx.rights.require(referred_to, "REFERENCES")
    named = [key.name for key in reference.this.expressions] if isinstance(reference.this, exp.Schema) else []
    referred = dict(zip(names, named or _primary_key(ctx, name), strict=False))
    label = "_".join(names)
    return [
        replace(c, reference=(label, *name, referred[c.name])) if c.name in names and c.name in referred else c
        for c in columns
    ]


def _primary_key(ctx: Context, table: Name) -> list[str]:
    relation = ctx.relation(table)
    return [c.name for c in relation.props.columns if c.primary_key] if TABLE.describes(relation) else []


# -- DuckDB's columns -------------------------------------------------------------------------------------------------


def place_of(name: Name, *, temporary: bool) -> str:
    """The DuckDB schema, quoted, that a table and the sequences of its identity columns are in."""
    return "temp.main" if temporary else quote(name.physical_schema)


def column_definition(ctx: Context, change: Change, place: str, column: Column) -> tuple[Column, str]:
    """The column with the name of its sequence, and DuckDB's definition of it, in a table at ``place``: ``place_of``.

    The sequence of an identity column is made, with a name of its own: the table may get another name and another table
    its name.
    """
    text = f"{quote(column.name)} {parse_type(column.type).duckdb}"
    if column.identity:
        start, step = column.identity
        column = replace(column, sequence=f"$SEQ_{next_id(change.duck):012d}")
        sequence = f"{place}.{quote(str(column.sequence))}"
        kind = "TEMP SEQUENCE" if place.startswith("temp.") else "SEQUENCE"
        bounds = f"MINVALUE {-(2**63)} MAXVALUE {max(start, -1)}" if step < 0 else f"MINVALUE {min(start, 1)}"
        change.duck.execute(f"CREATE {kind} {sequence} START {start} INCREMENT {step} {bounds}")
        text += f" DEFAULT nextval({literal(sequence)})"
    elif column.default is not None:
        check_default(ctx, change, column)
    return column, text + ("" if column.nullable else " NOT NULL")


def next_identity(ctx: Context, change: Change, table: Table, column: str, start: int) -> int:
    """The value that an identity column gives next; ``start`` is its first one."""
    physical = ctx.physical_table(table.name)
    found = change.duck.execute(
        "SELECT coalesce(s.last_value + s.increment_by, s.start_value) FROM duckdb_columns() c "
        "JOIN duckdb_sequences() s ON contains(c.column_default, s.sequence_name) AND contains(c.column_default, "
        "s.schema_name) WHERE c.schema_name = ? AND c.table_name = ? AND c.column_name = ?",
        [physical.db, physical.name, column],
    ).fetchone()
    return int(found[0]) if found else start


def drop_sequences(change: Change, table: Table, columns: Iterable[Column]) -> None:
    """Drop the sequences of identity columns that DuckDB's table no longer has."""
    place = place_of(table.name, temporary=table.props.temporary)
    for column in columns:
        if column.sequence:
            change.duck.execute(f"DROP SEQUENCE IF EXISTS {place}.{quote(column.sequence)}")


def read_default(ctx: Context, expression: exp.Expression) -> str:
    """The text of a default that is defined: session variables and functions in SQL are replaced by what they are now.

    Raises:
        SnowflakeError: 000002, if it calls a function in another language.

    Source: https://docs.snowflake.com/en/sql-reference/sql/create-table
    """
    holder = exp.Paren(this=expression)
    replace_parameters(ctx, holder)
    qualify_sequences(ctx, holder)
    if holder.find(exp.Anonymous):
        expand(ctx, holder)
        if call := next(function_calls(ctx, holder), None):
            raise not_supported(f"the function {call.function.name.fqn} in the default of a column")
    return str(holder.this.sql(dialect="snowflake"))


def check_default(ctx: Context, change: Change, column: Column) -> None:
    """Raise if rows could not be filled with a column's default, eg: if it refers to another column."""
    change.duck.execute(f"EXPLAIN SELECT {default_sql(ctx, column)}")


def drop_table_data(ctx: Context, change: Change, table: Table) -> None:
    """Drop a table's rows; its catalog entry too unless it is temporary."""
    streams.forget(change, table)
    # by what the table is: where the statement runs again, the session has it no more
    physical = f"temp.main.{quote(temporary_name(table.name))}" if table.props.temporary else table.name.physical
    change.duck.execute(f"DROP TABLE {physical} CASCADE")
    drop_sequences(change, table, table.props.columns)
    if table.props.temporary:
        ctx.session.set_temporary(table.key, None)
    else:
        change.drop(table)
