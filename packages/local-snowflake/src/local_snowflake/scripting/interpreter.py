"""Runs a block's tree: every SQL statement and every expression is executed in the caller's session."""

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

import pyarrow as pa

from local_snowflake.errors import SnowflakeError, execution_error, not_supported
from local_snowflake.execution.context import Context
from local_snowflake.execution.results import Column, Result
from local_snowflake.scripting import tree
from local_snowflake.scripting.evaluation import Evaluation
from local_snowflake.scripting.faults import EXPRESSION, STATEMENT, Jumped, Returned, ScriptError, fault
from local_snowflake.scripting.variables import (
    CursorState,
    ResultSet,
    Row,
    Scope,
    Variable,
    row_of,
)
from local_snowflake.sql.types import parse_type

_NUMBER, _TEXT = parse_type("NUMBER"), parse_type("VARCHAR")


class Interpreter:
    """Runs one block, in a context whose handle is the block's own.

    The result's column is called ``name``, and RETURN converts to the type ``returns`` if there is one.
    """

    def __init__(self, ctx: Context, name: str, returns: str | None = None) -> None:
        self._ctx = ctx
        self._name = name
        self._returns = returns
        self._evaluation = Evaluation(ctx)
        self._fault: ScriptError | None = None
        self._run: dict[type[tree.Step], Callable[[Any, Scope], None]] = {
            tree.Block: self._block,
            tree.Declare: self._declare,
            tree.DeclareCursor: lambda step, scope: scope.names.update({step.name: CursorState(step.query)}),
            tree.DeclareException: lambda step, scope: scope.names.update({step.name: step}),
            tree.DeclareResultSet: self._declare_result_set,
            tree.Assign: self._assign,
            tree.Branch: self._branch,
            tree.Loop: self._loop,
            tree.CountingLoop: self._counting_loop,
            tree.RowLoop: self._row_loop,
            tree.Jump: self._jump,
            tree.Return: self._return,
            tree.Raise: self._raise,
            tree.Cursor: self._cursor,
            tree.Sql: self._sql,
            tree.Immediate: self._sql,
        }

    def run(self, block: tree.Block, names: dict[str, Any]) -> Result:
        """Run a block, with variables that are there from the start; returns what it returns, NULL without RETURN.

        Raises:
            ScriptError: for an exception that it does not handle.
        """
        try:
            self._block(block, Scope(None, {**self._evaluation.counts, **names}))
        except Returned as returned:
            return returned.result
        except Jumped as jumped:
            text = f"{'BREAK' if jumped.leave else 'CONTINUE'} is in no loop of that label"
            raise ScriptError(STATEMENT, 1003, text, block.at, "42000") from None
        return Result(pa.table({self._name: pa.array([None], pa.string())}), [Column(self._name, _TEXT)])

    # -- blocks -------------------------------------------------------------------------------------------------------

    def _block(self, block: tree.Block, outer: Scope) -> None:
        scope = Scope(outer)
        self._steps(block.declarations, scope)
        try:
            self._steps(block.body, scope)
        except ScriptError as raised:
            handler = _handler(block, raised)
            if handler is None or self._ctx.session.interruption is not None:
                raise
            self._handle(handler, raised, scope)

    def _handle(self, handler: tree.Handler, raised: ScriptError, scope: Scope) -> None:
        saved, self._fault = self._fault, raised
        about = {
            "SQLCODE": Variable(raised.code, _NUMBER),
            "SQLERRM": Variable(raised.message, _TEXT),
            "SQLSTATE": Variable(raised.sqlstate, _TEXT),
        }
        try:
            self._steps(handler.body, Scope(scope, dict(about)))
        finally:
            self._fault = saved

    def _steps(self, steps: tree.Steps, scope: Scope) -> None:
        for step in steps:
            if (reason := self._ctx.session.interruption) is not None:
                raise fault(STATEMENT, reason, step.at)
            try:
                self._run[type(step)](step, scope)
            except SnowflakeError as error:
                kind = STATEMENT if isinstance(step, (tree.Sql, tree.Immediate)) else EXPRESSION
                raise fault(kind, error, step.at) from None

    # -- variables ----------------------------------------------------------------------------------------------------

    def _declare(self, step: tree.Declare, scope: Scope) -> None:
        kind = parse_type(step.type) if step.type else None
        none = Variable(None, kind, step.type)
        scope.names[step.name] = none if step.value is None else self._evaluation.value(step.value, scope, step.type)

    def _declare_result_set(self, step: tree.DeclareResultSet, scope: Scope) -> None:
        result_set = ResultSet()
        scope.names[step.name] = result_set
        if step.value is not None:
            result_set.result = self._evaluation.query(step.value, step.at, scope)

    def _assign(self, step: tree.Assign, scope: Scope) -> None:
        target = scope.find(step.name)
        if isinstance(target, ResultSet):
            target.result = self._evaluation.query(step.value, step.at, scope)
            return
        variable: Variable = scope.need(step.name, Variable)
        self._evaluation.assign(variable, self._evaluation.value(step.value, scope, variable.declared))

    # -- branches and loops -------------------------------------------------------------------------------------------

    def _branch(self, step: tree.Branch, scope: Scope) -> None:
        for condition, body in step.branches:
            if step.subject is not None and condition is not None:
                condition = f"({step.subject}) = ({condition})"  # noqa: PLW2901
            if condition is None or self._evaluation.holds(condition, scope):
                self._steps(body, Scope(scope))
                return

    def _loop(self, step: tree.Loop, scope: Scope) -> None:
        while step.condition is None or self._evaluation.holds(step.condition, scope):
            if self._leaves(step.body, step.label, Scope(scope)):
                return
            if step.until is not None and self._evaluation.holds(step.until, scope):
                return

    def _counting_loop(self, step: tree.CountingLoop, scope: Scope) -> None:
        first, last = (int(self._evaluation.value(e, scope, "NUMBER").value) for e in (step.first, step.last))
        numbers = range(last, first - 1, -1) if step.reverse else range(first, last + 1)
        self._each(step, (Variable(i, _NUMBER) for i in numbers), scope)

    def _each(self, step: tree.CountingLoop | tree.RowLoop, values: Iterable[Variable | Row], scope: Scope) -> None:
        for value in values:
            if self._leaves(step.body, step.label, Scope(scope, {step.name: value})):
                return

    def _row_loop(self, step: tree.RowLoop, scope: Scope) -> None:
        source = scope.find(step.source.upper())
        if isinstance(source, CursorState):
            result = source.result or self._evaluation.open(source, (), step.at, scope)
        elif isinstance(source, ResultSet) and source.result is not None:
            result = source.result
        else:
            raise not_supported(f"FOR … IN {step.source}: it is no cursor and no RESULTSET with a query")
        self._each(step, (row_of(result, i) for i in range(result.table.num_rows)), scope)

    def _leaves(self, body: tree.Steps, label: str | None, scope: Scope) -> bool:
        try:
            self._steps(body, scope)
        except Jumped as jumped:
            if jumped.label not in {None, label}:
                raise
            return jumped.leave
        return False

    def _jump(self, step: tree.Jump, scope: Scope) -> None:
        raise Jumped(step.label, leave=step.leave)

    # -- the block's end ----------------------------------------------------------------------------------------------

    def _return(self, step: tree.Return, scope: Scope) -> None:
        if step.table:
            result_set = scope.need(step.value.upper(), ResultSet) if step.value else ResultSet()
            if result_set.result is None:
                raise execution_error(f"RESULTSET {step.value} has no query.")
            raise Returned(dataclasses.replace(result_set.result))
        result = self._evaluation.evaluate(step.value or "NULL", scope, self._returns)
        kind = parse_type(self._returns) if self._returns else result.columns[0].type
        raise Returned(Result(result.table.rename_columns([self._name]), [Column(self._name, kind)]))

    def _raise(self, step: tree.Raise, scope: Scope) -> None:
        if step.name is not None:
            exception: tree.DeclareException = scope.need(step.name, tree.DeclareException)
            raise ScriptError(step.name, exception.number, exception.text, step.at)
        if self._fault is None:
            raise execution_error("RAISE without an exception is allowed in an exception handler only.")
        raise self._fault

    def _sql(self, step: tree.Sql | tree.Immediate, scope: Scope) -> None:
        result = self._evaluation.execute(step, scope)
        if step.into:
            if result.table.num_rows != 1:
                text = f"SELECT INTO expects exactly 1 returned row, but got {result.table.num_rows}."
                raise ScriptError(EXPRESSION, 100183, text, step.at, "P0000")
            self._evaluation.take(step.into, result, 0, scope)

    # -- cursors ------------------------------------------------------------------------------------------------------

    def _cursor(self, step: tree.Cursor, scope: Scope) -> None:
        cursor: CursorState = scope.need(step.name, CursorState)
        if step.verb == "OPEN":
            self._evaluation.open(cursor, step.values, step.at, scope)
        elif step.verb == "CLOSE":
            cursor.result = None
        elif cursor.result is None:
            raise execution_error(f"Cursor {step.name} is not open.")
        else:
            row = cursor.fetched if cursor.fetched < cursor.result.table.num_rows else None
            cursor.fetched += 1
            self._evaluation.take(step.values, cursor.result, row, scope)


def _handler(block: tree.Block, raised: ScriptError) -> tree.Handler | None:
    """The block's handler for a fault: the one that names it, else OTHER."""
    named = (h for h in block.handlers if raised.kind in h.names)
    return next(named, next((h for h in block.handlers if "OTHER" in h.names), None))
