"""CREATE, ALTER, DROP, DESCRIBE, SHOW and GET_DDL of procedures and functions, which differ by their kind only."""

from dataclasses import replace
from typing import Any

import pyarrow as pa

from local_snowflake.catalog.objects import Argument, Object, Routine, RoutineProps
from local_snowflake.errors import already_exists, does_not_exist
from local_snowflake.execution.context import Context
from local_snowflake.execution.results import Result, rows, status
from local_snowflake.execution.show_clauses import Clauses, like_filter, read_clauses, scope
from local_snowflake.routines.binding import absolute_imports
from local_snowflake.routines.definition import (
    argument_types,
    read_definition,
    read_type,
    signature,
    split_commas,
    type_names,
)
from local_snowflake.routines.lookup import find_exactly
from local_snowflake.routines.packages import check_packages
from local_snowflake.scripting.reading import read_block
from local_snowflake.sql.names import Name, literal, shown
from local_snowflake.sql.statement import Reader, Statement, skip_head, tokenize
from local_snowflake.sql.types import parse_type

TIME = pa.timestamp("us", "UTC")
Record = dict[str, Any]


def create(ctx: Context, stmt: Statement, kind: str, *, aggregate: bool = False) -> Result:
    """CREATE [OR REPLACE] [TEMPORARY] PROCEDURE | FUNCTION [IF NOT EXISTS] name(arguments) RETURNS ….

    Args:
        ctx: the statement's context.
        stmt: the statement.
        kind: ``PROCEDURE`` or ``FUNCTION``.
        aggregate: whether it is an aggregate function.
    """
    reader = skip_head(stmt)
    if_not_exists = reader.accept("IF", "NOT", "EXISTS")
    name = ctx.resolve(reader.name_parts())
    props, comment = read_definition(reader, kind, name.name)
    if kind == "PROCEDURE" and props.language == "SQL":
        read_block(props.body or "")
    ctx.require_schema(name)
    label = kind.capitalize()
    old = find_exactly(ctx, kind, name, argument_types(props))
    if old and old.props.temporary != stmt.temporary:
        old = None
    if old and not stmt.or_replace:
        if not if_not_exists:
            raise already_exists(name.fqn)
        return status(f"{name.name} already exists, statement succeeded.")
    check_packages(props.packages)
    props = replace(
        props,
        imports=absolute_imports(ctx, props.imports),
        temporary=stmt.temporary,
        aggregate=aggregate,
        secure="SECURE" in stmt.modifiers,
    )
    full = Name(name.database, name.schema, signature(props))
    new = Object(kind, full, props, owner=ctx.session.role, comment=comment)
    if stmt.temporary:
        ctx.session.temporary_objects[kind, full] = new
    else:
        with ctx.ddl() as change:
            change.put(new)
    return status(f"{label} {name.name} successfully created.")


def read_overload(ctx: Context, reader: Reader, kind: str) -> tuple[Name, Routine | None]:
    """Read ``name(type, …)``; the name and the overload, or None if there is no such one."""
    name = ctx.resolve(reader.name_parts())
    text = reader.parenthesised() if reader.peek() == "(" else ""
    types = [parse_type(read_type(part)) for _, part in split_commas(text)]
    return name, find_exactly(ctx, kind, name, types)


def drop(ctx: Context, stmt: Statement, kind: str) -> Result:
    """DROP PROCEDURE | FUNCTION [IF EXISTS] name(types)."""
    reader = skip_head(stmt)
    if_exists = reader.accept("IF", "EXISTS")
    name, found = read_overload(ctx, reader, kind)
    reader.finish()
    if found is None:
        if if_exists:
            return status(f"Drop statement executed successfully ({name.name} already dropped).")
        raise does_not_exist(kind, name.fqn)
    if found.props.temporary:
        del ctx.session.temporary_objects[kind, found.name]
    else:
        with ctx.ddl() as change:
            change.drop(found)
    return status(f"{name.name} successfully dropped.")


def describe(ctx: Context, stmt: Statement, kind: str) -> Result:
    """DESCRIBE PROCEDURE | FUNCTION name(types): its properties, one a row."""
    reader = skip_head(stmt)
    name, found = read_overload(ctx, reader, kind)
    reader.finish()
    if found is None:
        raise does_not_exist(kind, name.fqn)
    props = found.props
    listed = ", ".join(f"{a.name} {_bare(a.type)}" for a in props.args)
    pairs: list[tuple[str, Any]] = [
        ("signature", f"({listed})"),
        ("returns", _returns(props)),
        ("language", props.language),
        ("null handling", "RETURNS NULL ON NULL INPUT" if props.strict else "CALLED ON NULL INPUT"),
        ("volatility", props.volatility),
    ]
    if kind == "PROCEDURE":
        pairs.append(("execute as", props.execute_as))
    pairs.append(("body", props.body))
    if props.language == "PYTHON":
        quoted = ", ".join(f"'{i}'" for i in props.packages)
        pairs += [
            ("imports", "[" + ", ".join(props.imports) + "]"),
            ("handler", props.handler),
            ("runtime_version", props.runtime_version),
            ("packages", f"[{quoted}]"),
            ("installed_packages", f"[{quoted}]"),
        ]
        if kind == "FUNCTION":
            pairs.append(("is_aggregate", str(props.aggregate).lower()))
    return rows([{"property": k, "value": v} for k, v in pairs], {"property": None, "value": None})


def _bare(kind: str) -> str:
    return parse_type(kind).name


def _returns(props: RoutineProps) -> str:
    return props.returns if props.table_columns is not None else _bare(props.returns)


def show(ctx: Context, clauses: Clauses, kind: str) -> Result:
    """The rows of SHOW PROCEDURES and SHOW USER FUNCTIONS."""
    routines = selected(ctx, clauses, kind)
    yes = {True: "Y", False: "N"}
    records = [
        {
            "created_on": o.created_on,
            "name": o.props.name,
            "schema_name": o.name.schema,
            "is_builtin": "N",
            "is_aggregate": yes[o.props.aggregate],
            "is_ansi": "N",
            "min_num_arguments": sum(a.default is None for a in o.props.args),
            "max_num_arguments": len(o.props.args),
            "arguments": f"{_arguments(o.props)} RETURN {_returns(o.props)}",
            "description": o.comment or f"user-defined {kind.lower()}",
            "catalog_name": o.name.database,
            "is_table_function": yes[o.props.table_columns is not None],
            "valid_for_clustering": "N",
            "is_secure": yes[o.props.secure],
            "secrets": None,
            "external_access_integrations": None,
            "is_external_function": "N",
            "language": o.props.language,
            "is_memoizable": yes[o.props.memoizable],
            "is_data_metric": "N",
        }
        for o in routines
    ]
    text_columns = [k for k in _COLUMNS if not k.endswith("arguments") or k == "arguments"]
    kinds: dict[str, pa.DataType | None] = {
        k: TIME if k == "created_on" else None if k in text_columns else pa.int64() for k in _COLUMNS
    }
    if kind == "FUNCTION":
        kinds |= dict.fromkeys(("is_external_function", "language", "is_memoizable", "is_data_metric"))
    return rows(records, kinds)


_COLUMNS = (
    "created_on",
    "name",
    "schema_name",
    "is_builtin",
    "is_aggregate",
    "is_ansi",
    "min_num_arguments",
    "max_num_arguments",
    "arguments",
    "description",
    "catalog_name",
    "is_table_function",
    "valid_for_clustering",
    "is_secure",
    "secrets",
    "external_access_integrations",
)


def _arguments(props: RoutineProps) -> str:
    types = type_names(argument_types(props))
    shown = [f"DEFAULT {t}" if a.default is not None else t for t, a in zip(types, props.args, strict=True)]
    return f"{props.name}({', '.join(shown)})"


def selected(ctx: Context, clauses: Clauses, kind: str) -> list[Routine]:
    """The objects that SHOW's clauses ask for, by name."""
    database, schema = scope(ctx, clauses)
    found = ctx.catalog.all(kind, database, schema)
    found += [
        o
        for (temporary_kind, n), o in ctx.session.temporary_objects.items()
        if temporary_kind == kind and database in (None, n.database) and schema in (None, n.schema)
    ]
    keep = like_filter(clauses.like)
    found = [o for o in sorted(found, key=lambda o: o.name) if keep(o.props.name)]
    if clauses.starts_with:
        found = [o for o in found if o.props.name.startswith(clauses.starts_with)]
    return found[: clauses.limit] if clauses.limit else found


def clauses_of(stmt: Statement) -> Clauses:
    """The clauses of a SHOW statement."""
    return read_clauses(skip_head(stmt))


def _store(ctx: Context, old: Routine, new: Routine) -> None:
    """Put a changed object in the place of another."""
    if old.props.temporary:
        del ctx.session.temporary_objects[old.kind, old.name]
        ctx.session.temporary_objects[new.kind, new.name] = new
        return
    with ctx.ddl() as change:
        change.drop(old)
        change.put(new)


def comment(ctx: Context, stmt: Statement, kind: str) -> Result:
    """COMMENT ON PROCEDURE | FUNCTION name(types) IS 'text'."""
    reader = skip_head(stmt)
    name, found = read_overload(ctx, reader, kind)
    reader.expect("IS")
    text = reader.string()
    reader.finish()
    if found is None:
        raise does_not_exist(kind, name.fqn)
    _store(ctx, found, replace(found, comment=text))
    return status()


def alter(ctx: Context, stmt: Statement, kind: str) -> Result:
    """ALTER PROCEDURE | FUNCTION [IF EXISTS] name(types) RENAME TO … | SET | UNSET COMMENT | EXECUTE AS ….

    Source: https://docs.snowflake.com/en/sql-reference/sql/alter-procedure
    """
    reader = skip_head(stmt)
    if_exists = reader.accept("IF", "EXISTS")
    name, found = read_overload(ctx, reader, kind)
    if found is None:
        if if_exists:
            return status()
        raise does_not_exist(kind, name.fqn)
    props, full, text = found.props, found.name, found.comment
    if reader.accept("RENAME", "TO"):
        new = ctx.resolve(reader.name_parts())
        if find_exactly(ctx, kind, new, argument_types(props)):
            raise already_exists(new.fqn)
        props = replace(props, name=new.name)
        full = Name(new.database, new.schema, signature(props))
    elif reader.accept("EXECUTE", "AS"):
        rights = " ".join(reader.next().text.upper() for _ in range(len(reader.tokens) - reader.at))
        props = replace(props, execute_as=rights)
    elif reader.accept("UNSET", "COMMENT"):
        text = ""
    else:
        reader.expect("SET", "COMMENT", "=")
        text = reader.string()
    reader.finish()
    _store(ctx, found, replace(found, name=full, props=props, comment=text))
    return status()


def routine_ddl(ctx: Context, kind: str, text: str) -> str:
    """The CREATE statement of a procedure or function.

    Args:
        ctx: the statement's context.
        kind: ``PROCEDURE`` or ``FUNCTION``.
        text: the name with the arguments' types, eg: ``f(int, varchar)``.

    Raises:
        SnowflakeError: 002003, if there is no such one.

    Source: https://docs.snowflake.com/en/sql-reference/functions/get_ddl
    """
    name, found = read_overload(ctx, Reader(text, tokenize(text)), kind)
    if found is None:
        raise does_not_exist(kind.capitalize(), f"{name.fqn}{text[text.find('(') :]}")
    props = found.props
    secure = "SECURE " if props.secure else ""
    aggregate = "AGGREGATE " if props.aggregate else ""
    arguments = ", ".join(_ddl_argument(a) for a in props.args)
    lines = [f"CREATE OR REPLACE {secure}{aggregate}{kind} {shown(props.name)}({arguments})"]
    lines += [f"RETURNS {props.returns}", f"LANGUAGE {props.language}"]
    if props.strict:
        lines.append("STRICT")
    if kind == "FUNCTION" and props.volatility != "VOLATILE":
        lines.append(props.volatility)
    if props.language == "PYTHON":
        lines += _ddl_options(props)
    lines += _ddl_rest(kind, found)
    return "\n".join(lines) + ";"


def _ddl_argument(declared: Argument) -> str:
    default = f" DEFAULT {declared.default}" if declared.default is not None else ""
    return f"{shown(declared.name)} {declared.type}{default}"


def _ddl_options(props: RoutineProps) -> list[str]:
    lines = [f"RUNTIME_VERSION = {literal(str(props.runtime_version))}"]
    lists = {"IMPORTS": props.imports, "PACKAGES": props.packages}
    lines += [f"{key} = ({','.join(map(literal, values))})" for key, values in lists.items() if values]
    return [*lines, f"HANDLER = {literal(str(props.handler))}"]


def _ddl_rest(kind: str, found: Routine) -> list[str]:
    lines = [f"COMMENT={literal(found.comment)}"] if found.comment else []
    if kind == "PROCEDURE":
        lines.append(f"EXECUTE AS {found.props.execute_as}")
    body = found.props.body
    return lines if body is None else [*lines, f"AS {literal(body)}"]
