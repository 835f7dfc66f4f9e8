"""CREATE, ALTER, DROP, DESCRIBE, SHOW and GET_DDL of procedures and functions, which differ by their kind only."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pyarrow as pa

from local_snowflake.catalog.objects import FUNCTION, PROCEDURE, Kind, Object, Routine, RoutineProps
from local_snowflake.errors import already_exists, does_not_exist, not_supported
from local_snowflake.execution import objects
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import statement, system_function
from local_snowflake.execution.results import TIME, Result, from_arrow, rows, status
from local_snowflake.execution.show_clauses import pick, read_clauses, scope
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


def _kind(stmt: Statement) -> Kind[RoutineProps]:
    return FUNCTION if "FUNCTION" in stmt.kind else PROCEDURE


@statement("CREATE", "PROCEDURE", "FUNCTION", "AGGREGATE FUNCTION")
def create(ctx: Context, stmt: Statement) -> Result:
    """CREATE [OR REPLACE] [TEMPORARY] PROCEDURE | FUNCTION [IF NOT EXISTS] name(arguments) RETURNS ….

    Sources: https://docs.snowflake.com/en/sql-reference/sql/create-procedure and
    https://docs.snowflake.com/en/sql-reference/sql/create-function
    """
    kind = _kind(stmt)
    reader, name, if_not_exists = objects.read_target(ctx, stmt)
    props, comment = read_definition(reader, kind, name.name)
    if kind == PROCEDURE and props.language == "SQL":
        read_block(props.body or "")
    ctx.require_schema(name)
    old = find_exactly(ctx, kind, name, argument_types(props))
    if old and old.props.temporary != stmt.temporary:
        old = None
    if kept := objects.keep_existing(stmt, name, old, if_not_exists=if_not_exists):
        return kept
    check_packages(props.packages)
    props = replace(
        props,
        imports=absolute_imports(ctx, props.imports),
        temporary=stmt.temporary,
        aggregate=stmt.kind == "AGGREGATE FUNCTION",
        secure="SECURE" in stmt.modifiers,
    )
    full = Name(name.database, name.schema, signature(props))
    ctx.copies_grants = props.copy_grants
    objects.put(ctx, Object(kind, full, props, ctx.session.role, comment))
    return status(f"{kind.capitalize()} {name.name} successfully created.")


@statement("CREATE", "EXTERNAL FUNCTION", "DATA METRIC FUNCTION")
def create_other_function(_: Context, stmt: Statement) -> Result:
    """Functions that only Snowflake can run."""
    raise not_supported(f"CREATE {stmt.kind}")


def read_overload(ctx: Context, reader: Reader, kind: str, action: str | None = None) -> tuple[Name, Routine | None]:
    """Read ``name(type, …)``; the name and the overload, or None if there is no such one.

    ``action`` is what DDL does with it; it needs a current schema for a name without one.
    """
    name = ctx.resolve(reader.name_parts(), action=action)
    text = reader.parenthesised() if reader.peek() == "(" else ""
    types = [parse_type(read_type(part)) for _, part in split_commas(text)]
    return name, find_exactly(ctx, kind, name, types)


def _read_existing(ctx: Context, reader: Reader, kind: str) -> Routine:
    """Read ``name(type, …)``, an overload that has to be there."""
    name, found = read_overload(ctx, reader, kind)
    if found is None:
        raise does_not_exist(kind, name.fqn)
    return found


@statement("DROP", "PROCEDURE", "FUNCTION")
def drop(ctx: Context, stmt: Statement) -> Result:
    """DROP PROCEDURE | FUNCTION [IF EXISTS] name(types)."""
    reader = skip_head(stmt)
    if_exists = reader.accept("IF", "EXISTS")
    name, found = read_overload(ctx, reader, _kind(stmt), objects.action_of(stmt))
    reader.finish()
    if found is None:
        return objects.absent(_kind(stmt), name, if_exists=if_exists)
    objects.discard(ctx, found)
    return status(f"{name.name} successfully dropped.")


@statement("DESCRIBE", "PROCEDURE", "FUNCTION")
def describe(ctx: Context, stmt: Statement) -> Result:
    """DESCRIBE PROCEDURE | FUNCTION name(types): its properties, one a row."""
    reader, kind = skip_head(stmt), _kind(stmt)
    props = _read_existing(ctx, reader, kind).props
    reader.finish()
    listed = ", ".join(f"{a.name} {parse_type(a.type).name}" for a in props.args)
    pairs: list[tuple[str, Any]] = [
        ("signature", f"({listed})"),
        ("returns", _returns(props)),
        ("language", props.language),
        ("null handling", "RETURNS NULL ON NULL INPUT" if props.strict else "CALLED ON NULL INPUT"),
        ("volatility", props.volatility),
    ]
    if kind == PROCEDURE:
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
        if kind == FUNCTION:
            pairs.append(("is_aggregate", str(props.aggregate).lower()))
    return rows([{"property": k, "value": v} for k, v in pairs], {"property": None, "value": None})


def _returns(props: RoutineProps) -> str:
    return props.returns if props.table_columns is not None else parse_type(props.returns).name


@statement("SHOW", "PROCEDURES", "USER PROCEDURES", "FUNCTIONS", "USER FUNCTIONS")
def show(ctx: Context, stmt: Statement) -> Result:
    """SHOW [USER] PROCEDURES | FUNCTIONS: https://docs.snowflake.com/en/sql-reference/sql/show-user-functions."""
    kind = _kind(stmt)
    clauses = read_clauses(skip_head(stmt))
    found = pick(clauses, objects.find_all(ctx, kind, *scope(ctx, clauses)), lambda o: o.props.name)
    columns = _COLUMNS | _FUNCTION_COLUMNS if kind == FUNCTION else _COLUMNS
    types = {"created_on": TIME, "min_num_arguments": pa.int64(), "max_num_arguments": pa.int64()}
    return from_arrow(objects.tabulate(found, columns, types))


def _letter(flag: bool) -> str:
    return "Y" if flag else "N"


_COLUMNS: dict[str, Callable[[Routine], Any]] = {
    "created_on": lambda o: o.created_on,
    "name": lambda o: o.props.name,
    "schema_name": lambda o: o.name.schema,
    "is_builtin": lambda _: "N",
    "is_aggregate": lambda o: _letter(o.props.aggregate),
    "is_ansi": lambda _: "N",
    "min_num_arguments": lambda o: sum(a.default is None for a in o.props.args),
    "max_num_arguments": lambda o: len(o.props.args),
    "arguments": lambda o: f"{_arguments(o.props)} RETURN {_returns(o.props)}",
    "description": lambda o: o.comment or f"user-defined {o.kind.lower()}",
    "catalog_name": lambda o: o.name.database,
    "is_table_function": lambda o: _letter(o.props.table_columns is not None),
    "valid_for_clustering": lambda _: "N",
    "is_secure": lambda o: _letter(o.props.secure),
    "secrets": lambda _: None,
    "external_access_integrations": lambda _: None,
}
_FUNCTION_COLUMNS: dict[str, Callable[[Routine], Any]] = {
    "is_external_function": lambda _: "N",
    "language": lambda o: o.props.language,
    "is_memoizable": lambda o: _letter(o.props.memoizable),
    "is_data_metric": lambda _: "N",
}


def _arguments(props: RoutineProps) -> str:
    types = type_names(argument_types(props))
    shown = [f"DEFAULT {t}" if a.default is not None else t for t, a in zip(types, props.args, strict=True)]
    return f"{props.name}({', '.join(shown)})"


@statement("COMMENT", "ON PROCEDURE", "ON FUNCTION")
def comment(ctx: Context, stmt: Statement) -> Result:
    """COMMENT ON PROCEDURE | FUNCTION name(types) IS 'text'."""
    reader = skip_head(stmt)
    found = _read_existing(ctx, reader, _kind(stmt))
    reader.expect("IS")
    text = reader.string()
    reader.finish()
    objects.put(ctx, replace(found, comment=text))
    return status()


@statement("ALTER", "PROCEDURE", "FUNCTION")
def alter(ctx: Context, stmt: Statement) -> Result:
    """ALTER PROCEDURE | FUNCTION [IF EXISTS] name(types) RENAME TO … | SET | UNSET COMMENT | EXECUTE AS ….

    Source: https://docs.snowflake.com/en/sql-reference/sql/alter-procedure
    """
    reader, kind = skip_head(stmt), _kind(stmt)
    if_exists = reader.accept("IF", "EXISTS")
    name, found = read_overload(ctx, reader, kind, objects.action_of(stmt))
    if found is None:
        if if_exists:
            return status()
        raise does_not_exist(kind, name.fqn)
    props, full, text = found.props, found.name, found.comment
    if reader.accept("RENAME", "TO"):
        new = ctx.resolve(reader.name_parts(), action=objects.action_of(stmt))
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
    objects.put(ctx, replace(found, name=full, props=props, comment=text), replaces=found)
    return status()


def routine_ddl(ctx: Context, kind: str, text: str) -> str:
    """The CREATE statement of a procedure or function, of its name with the arguments' types, eg: ``f(int, varchar)``.

    Raises:
        SnowflakeError: 002003, if there is no such one.

    Source: https://docs.snowflake.com/en/sql-reference/functions/get_ddl
    """
    name, found = read_overload(ctx, Reader(text, tokenize(text)), kind)
    if found is None:
        raise does_not_exist(kind.capitalize(), f"{name.fqn}{text[text.find('(') :]}")
    return ddl_of(found)


def ddl_of(found: Routine) -> str:
    """The CREATE statement of a procedure or function of the catalog."""
    props, kind = found.props, str(found.kind)
    modifiers = ("SECURE " if props.secure else "") + ("AGGREGATE " if props.aggregate else "")
    defaults = ["" if a.default is None else f" DEFAULT {a.default}" for a in props.args]
    pairs = zip(props.args, defaults, strict=True)
    arguments = ", ".join(f"{shown(a.name)} {a.type}{default}" for a, default in pairs)
    lists = {"IMPORTS": props.imports, "PACKAGES": props.packages} if props.language == "PYTHON" else {}
    lines = [
        f"CREATE OR REPLACE {modifiers}{kind} {shown(props.name)}({arguments})",
        f"RETURNS {props.returns}",
        f"LANGUAGE {props.language}",
        "STRICT" if props.strict else "",
        props.volatility if kind == "FUNCTION" and props.volatility != "VOLATILE" else "",
        f"RUNTIME_VERSION = {literal(str(props.runtime_version))}" if lists else "",
        *(f"{key} = ({','.join(map(literal, values))})" for key, values in lists.items() if values),
        f"HANDLER = {literal(str(props.handler))}" if lists else "",
        f"COMMENT={literal(found.comment)}" if found.comment else "",
        f"EXECUTE AS {props.execute_as}" if kind == "PROCEDURE" else "",
        "" if props.body is None else f"AS {literal(props.body)}",
    ]
    return "\n".join(filter(None, lines)) + ";"


@system_function("SYSTEM$GET_DEFAULT_PYTHON_ARTIFACT_REPOSITORY")
def default_artifact_repository(_: Context, *__: str) -> str:
    """Where packages come from by default; asked for by Snowpark when it registers a function."""
    return "snowflake.snowpark.anaconda_shared_repository"


@system_function("SYSTEM$ARE_ANACONDA_TERMS_ACKNOWLEDGED")
def anaconda_terms(_: Context) -> bool:
    """Whether packages may be used; asked for by Snowpark when it finds one unknown."""
    return True
