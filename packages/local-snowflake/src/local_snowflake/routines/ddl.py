"""GET_DDL of procedures and functions: the statement that makes them again."""

from __future__ import annotations

from local_snowflake.catalog.objects import Argument, Routine, RoutineProps
from local_snowflake.errors import does_not_exist
from local_snowflake.execution.context import Context
from local_snowflake.routines.objects import read_overload
from local_snowflake.sql.names import literal, shown
from local_snowflake.sql.statement import Reader, tokenize


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
    arguments = ", ".join(_argument(a) for a in props.args)
    lines = [f"CREATE OR REPLACE {secure}{aggregate}{kind} {shown(props.name)}({arguments})"]
    lines += [f"RETURNS {props.returns}", f"LANGUAGE {props.language}"]
    if props.strict:
        lines.append("STRICT")
    if kind == "FUNCTION" and props.volatility != "VOLATILE":
        lines.append(props.volatility)
    if props.language == "PYTHON":
        lines += _python(props)
    lines += _rest(kind, found)
    return "\n".join(lines) + ";"


def _argument(declared: Argument) -> str:
    default = f" DEFAULT {declared.default}" if declared.default is not None else ""
    return f"{shown(declared.name)} {declared.type}{default}"


def _python(props: RoutineProps) -> list[str]:
    lines = [f"RUNTIME_VERSION = {literal(str(props.runtime_version))}"]
    lists = {"IMPORTS": props.imports, "PACKAGES": props.packages}
    lines += [f"{key} = ({','.join(map(literal, values))})" for key, values in lists.items() if values]
    return [*lines, f"HANDLER = {literal(str(props.handler))}"]


def _rest(kind: str, found: Routine) -> list[str]:
    lines = [f"COMMENT={literal(found.comment)}"] if found.comment else []
    if kind == "PROCEDURE":
        lines.append(f"EXECUTE AS {found.props.execute_as}")
    body = found.props.body
    return lines if body is None else [*lines, f"AS {literal(body)}"]
