"""Expressions, SQL statements and cursors of a block: sent to the engine with the variables' values in them."""

from local_snowflake.errors import SnowflakeError, execution_error
from local_snowflake.execution.context import Context
from local_snowflake.execution.results import DML, Result
from local_snowflake.scripting import tree
from local_snowflake.scripting.faults import STATEMENT, fault
from local_snowflake.scripting.reading import read_query
from local_snowflake.scripting.variables import (
    CursorState,
    ResultSet,
    Scope,
    Variable,
    converted,
    fill,
    is_query,
    variable_of,
)
from local_snowflake.sql import binds, queries
from local_snowflake.sql.statement import Statement
from local_snowflake.sql.types import parse_type

_NUMBER, _TEXT, _BOOLEAN = parse_type("NUMBER"), parse_type("VARCHAR"), parse_type("BOOLEAN")


class Evaluation:
    """Evaluates expressions and executes statements in the session of one block."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        # what the last DML statement did, and the last statement's id
        self.counts = {
            "SQLROWCOUNT": Variable(None, _NUMBER),
            "SQLFOUND": Variable(None, _BOOLEAN),
            "SQLNOTFOUND": Variable(None, _BOOLEAN),
            "SQLID": Variable(None, _TEXT),
        }

    def evaluate(self, expression: str, scope: Scope, kind: str | None = None) -> Result:
        """The value of an expression or a query, converted to a type if there is one: one row, one column."""
        text = fill(expression, scope, expression=True)
        if is_query(text):
            text = f"({text})"
        if kind:
            text = converted(text, kind)
        return queries.run(self._ctx, Statement(f"SELECT {text} AS V", "SELECT"))

    def value(self, expression: str, scope: Scope, kind: str | None = None) -> Variable:
        """The value of an expression as a variable."""
        variable = variable_of(self.evaluate(expression, scope, kind))
        return Variable(variable.value, parse_type(kind) if kind else variable.type, kind)

    def holds(self, condition: str, scope: Scope) -> bool:
        """Whether a condition holds; one that is NULL does not."""
        return bool(self.value(condition, scope, "BOOLEAN").value)

    def assign(self, variable: Variable, value: Variable) -> None:
        """Give a variable a value, converted to the type that it was declared with."""
        if variable.declared and value.declared != variable.declared and value.value is not None:
            value = self.value(value.literal, Scope(), variable.declared)
        variable.value = value.value
        variable.type = variable.type if variable.declared else value.type

    # -- SQL ----------------------------------------------------------------------------------------------------------

    def execute(self, step: tree.Sql | tree.Immediate, scope: Scope) -> Result:
        """Run a statement, and note what it did."""
        if isinstance(step, tree.Immediate):
            text = str(self.value(step.text, scope, "VARCHAR").value)
            values = [self.value(v.removeprefix(":"), scope).literal for v in step.using]
            text = binds.fill_in_order(text, values)
        else:
            text = fill(step.text, scope, expression=False)
        result = self._ctx.execute(text)
        self.counts["SQLID"].value = result.query_id
        if result.type_id >= DML and result.table.num_rows:
            counted = [c for c in result.table.column_names if "multi-joined" not in c]
            affected = sum(int(result.table.column(c)[0].as_py() or 0) for c in counted if c.startswith("number of"))
            self.counts["SQLROWCOUNT"].value = affected
            self.counts["SQLFOUND"].value, self.counts["SQLNOTFOUND"].value = affected > 0, affected == 0
        return result

    def query(self, text: str, at: int, scope: Scope) -> Result:
        """Run the query of a RESULTSET or a cursor; its error belongs to the statement that starts at ``at``."""
        try:
            return self.execute(read_query(text, at), scope)
        except SnowflakeError as error:
            raise fault(STATEMENT, error, at) from None

    def take(self, targets: tuple[str, ...], result: Result, row: int | None, scope: Scope) -> None:
        """Give variables the values of a row; NULLs without a row."""
        if len(targets) != len(result.columns):
            raise execution_error(f"{len(result.columns)} columns cannot go INTO {len(targets)} variables.")
        for i, name in enumerate(targets):
            none = Variable(None, result.columns[i].type)
            self.assign(scope.need(name, Variable), none if row is None else variable_of(result, i, row))

    def open(self, cursor: CursorState, using: tuple[str, ...], at: int, scope: Scope) -> Result:
        """Run a cursor's query, or take its RESULTSET's rows, and go before the first."""
        source = scope.find(cursor.query.upper())
        if isinstance(source, ResultSet) and source.result is not None:
            cursor.result = source.result
        else:
            values = [self.value(v.removeprefix(":"), scope).literal for v in using]
            cursor.result = self.query(binds.fill_in_order(cursor.query, values), at, scope)
        cursor.fetched = 0
        return cursor.result
