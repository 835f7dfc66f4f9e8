"""CREATE PROCEDURE and CREATE FUNCTION: what is read of their text, and which overload a call means."""

from __future__ import annotations

import re

import pytest

from local_snowflake.catalog.objects import FUNCTION, Argument, Object, Routine, RoutineProps
from local_snowflake.errors import SnowflakeError
from local_snowflake.routines.definition import read_arguments, read_definition, read_type, signature, split_commas
from local_snowflake.routines.lookup import Arguments, best, fits, in_order
from local_snowflake.routines.packages import check_packages
from local_snowflake.sql.names import Name
from local_snowflake.sql.statement import Reader, tokenize
from local_snowflake.sql.types import parse_type

PYTHON = "LANGUAGE PYTHON RUNTIME_VERSION = '3.11' HANDLER = 'run'"
BODY = "AS $$ def run(): pass $$"
F = Name("D", "S", "F")


def definition(sql: str, what: str = "FUNCTION") -> tuple[RoutineProps, str]:
    return read_definition(Reader(sql, tokenize(sql)), what, "F")


def test_a_python_function_is_read() -> None:
    sql = f"(A INT, \"b\" VARCHAR(5) DEFAULT 'x, y') RETURNS FLOAT NOT NULL STRICT IMMUTABLE {PYTHON} "
    props, comment = definition(f"{sql} PACKAGES = ('numpy', 'pandas>=2') IMPORTS = ('@st/a.py') COMMENT = 'c' {BODY}")
    assert props.args == (Argument("A", "NUMBER(38,0)"), Argument("b", "VARCHAR(5)", "'x, y'"))
    assert (props.returns, props.table_columns, props.strict) == ("FLOAT", None, True)
    assert (props.volatility, props.handler, comment) == ("IMMUTABLE", "run", "c")
    assert (props.packages, props.imports) == (("numpy", "pandas>=2"), ("@st/a.py",))
    assert (props.body or "").strip() == "def run(): pass"
    assert signature(props) == "F(NUMBER, VARCHAR)"


def test_a_table_function_has_columns() -> None:
    props, _ = definition(f'() RETURNS TABLE (N INT, "s" VARCHAR) {PYTHON} {BODY}')
    assert [name for name, _ in props.table_columns or ()] == ["N", "s"]
    assert props.returns.startswith("TABLE (N NUMBER(38,0), ")


def test_a_procedure_in_sql_may_have_a_block_without_quotes() -> None:
    props, _ = definition("() RETURNS INT LANGUAGE SQL EXECUTE AS CALLER AS BEGIN RETURN 1; END", "PROCEDURE")
    assert (props.body, props.execute_as) == ("BEGIN RETURN 1; END", "CALLER")


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("() RETURNS INT LANGUAGE JAVA AS 'x'", "LANGUAGE JAVA of CREATE FUNCTION"),
        ("() RETURNS INT LANGUAGE SQL", "LANGUAGE SQL needs AS with a body"),
        ("() RETURNS INT LANGUAGE PYTHON RUNTIME_VERSION = '3.11' AS 'x'", "HANDLER must be specified"),
        ("() RETURNS INT LANGUAGE PYTHON RUNTIME_VERSION = '2.7' HANDLER = 'f' AS 'x'", "version '2.7'"),
        (f"() RETURNS INT {PYTHON}", "needs its code"),
        (f"() RETURNS INT {PYTHON} SECRETS = ('a' = b) {BODY}", "SECRETS of CREATE FUNCTION"),
        (f"() RETURNS INT {PYTHON} NO_OPTION = 1 {BODY}", "unknown option NO_OPTION"),
        (f"(A) RETURNS INT {PYTHON} {BODY}", "argument 'A' has no type"),
    ],
)
def test_a_wrong_definition_is_refused(sql: str, message: str) -> None:
    with pytest.raises(SnowflakeError, match=re.escape(message)):
        definition(sql)


def test_commas_in_brackets_and_text_do_not_split() -> None:
    assert [part.strip() for _, part in split_commas("a, f(b, [c, d]), 'e, f'")] == ["a", "f(b, [c, d])", "'e, f'"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("int", "NUMBER(38,0)"),
        ("ARRAY(INT NOT NULL)", "ARRAY"),
        ("MAP(VARCHAR, INT)", "OBJECT"),
        ("varchar(3) not null", "VARCHAR(3)"),
    ],
)
def test_a_type_has_one_spelling(text: str, expected: str) -> None:
    assert read_type(text) == expected


def overload(arguments: str) -> Routine:
    props = RoutineProps("F", tuple(read_arguments(arguments)), "INT")
    return Object(FUNCTION, Name("D", "S", f"F({arguments})"), props)


@pytest.mark.parametrize(
    ("given", "chosen"),
    [("INT", "A INT"), ("NUMBER(3,1)", "A FLOAT"), ("VARCHAR", "A VARCHAR")],
)
def test_the_nearest_overload_is_chosen(given: str, chosen: str) -> None:
    overloads = [overload("A INT"), overload("A FLOAT"), overload("A VARCHAR")]
    call = Arguments(["x"], {})
    assert best(F, overloads, call, lambda: [parse_type(given)]).name.name == f"F({chosen})"
    with pytest.raises(SnowflakeError, match=r"Invalid argument types for function 'D.S.F': \(DATE\)"):
        best(F, overloads[:2], call, lambda: [parse_type("DATE")])


def test_arguments_by_name_and_defaults_fill_the_gaps() -> None:
    function = overload("A INT, B INT DEFAULT 2, C INT DEFAULT 3").props.args
    call = Arguments(["1"], {"C": "4"})
    assert fits(function, call)
    assert in_order(function, call) == ["1", "2", "4"]
    assert not fits(function, Arguments([], {"B": "1"}))
    assert not fits(function, Arguments(["1"], {"NOPE": "1"}))


def test_packages_are_those_of_the_environment() -> None:
    check_packages(["pyarrow", "python>=3.8", "pyarrow>=1"])
    with pytest.raises(
        SnowflakeError, match="'no-such-package': it is not installed in the local Snowflake's environment"
    ):
        check_packages(["no-such-package"])
    with pytest.raises(SnowflakeError, match=r"'pyarrow==0.1': version [\d.]+ is installed"):
        check_packages(["pyarrow==0.1"])
    with pytest.raises(SnowflakeError, match="it is not a package specification"):
        check_packages(["a b c"])
