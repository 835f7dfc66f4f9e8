"""FLATTEN in FROM: with its input alone DuckDB expands it, with options Python does.

Source: https://docs.snowflake.com/en/sql-reference/functions/flatten
"""

from sqlglot import exp

from local_snowflake.errors import syntax_error
from local_snowflake.execution.context import Context
from local_snowflake.functions.python_calls import call, numbers, python_call
from local_snowflake.sql import trees
from local_snowflake.sql.dialect import parse

_NAMES = ("INPUT", "PATH", "OUTER", "RECURSIVE", "MODE")


def flatten_options(ctx: Context, tree: exp.Expression) -> exp.Expression:
    """Read the arguments of every FLATTEN in FROM.

    Raises 001003 if there is no INPUT, or an option is not a constant of its kind.
    """
    for node in list(tree.find_all(exp.Lateral, exp.TableFromRows)):
        if not isinstance(node.this, exp.Explode):
            continue
        options = dict(zip(_NAMES, [a for a in _arguments(node.this) if not isinstance(a, exp.Kwarg)], strict=False))
        options |= {a.this.name.upper(): a.expression for a in _arguments(node.this) if isinstance(a, exp.Kwarg)}
        if isinstance(join := node.parent, exp.Join) and join.args.get("side") == "LEFT":
            # a row of which nothing comes is kept
            options["OUTER"] = exp.true()
        if "INPUT" not in options:
            raise syntax_error("FLATTEN needs INPUT => an expression.")
        is_plain = set(options) == {"INPUT"}
        rows = call("flat_rows", options["INPUT"], input_number(options["INPUT"])) if is_plain else _rows(options)
        table = exp.Table(this=rows, alias=node.args.get("alias"))
        trees.move_clauses(node, table)
        node.replace(table)
    return tree


def input_number(value: exp.Expr) -> exp.Expr:
    """SEQ: the number of a row that is expanded, which two equal rows do not share.

    They are 1, 2, … in the order in which DuckDB reads the rows; an account's need not have an order either.
    """
    # $1 is a column of a staged file
    is_constant = value.find(exp.Column, exp.Parameter, exp.Placeholder, exp.Query) is None
    return exp.Literal.number(1) if is_constant else numbers()


def _rows(options: dict[str, exp.Expr]) -> exp.Expr:
    value, path = options["INPUT"], options.get("PATH")
    if path is not None and path.name:
        at_path = f"SELECT GET_PATH({value.sql(dialect='snowflake')}, {path.sql(dialect='snowflake')})"
        value = parse(at_path).expressions[0]
    mode = options["MODE"].name.upper() if "MODE" in options else "BOTH"
    if mode not in {"OBJECT", "ARRAY", "BOTH"}:
        raise syntax_error(f"FLATTEN's MODE is 'OBJECT', 'ARRAY' or 'BOTH', not '{mode}'.")
    arguments = [
        exp.Literal.string(path.name if path is not None else ""),
        _flag(options, "RECURSIVE"),
        exp.Literal.string(mode),
    ]
    rows = python_call("flatten", "JSON", call("to_json", value.copy()), *arguments)
    return call("flat_options", value, rows, input_number(value), _flag(options, "OUTER"))


def _flag(options: dict[str, exp.Expr], name: str) -> exp.Boolean:
    option = options.get(name, exp.false())
    if not isinstance(option, exp.Boolean):
        raise syntax_error(f"FLATTEN's {name} is TRUE or FALSE, not {option.sql(dialect='snowflake')}.")
    return exp.Boolean(this=option.this)


def _arguments(call: exp.Explode) -> list[exp.Expr]:
    return [call.this, *call.expressions]
