"""One SELECT block that calls bulk functions: split into what is computed before the calls and what after."""

import uuid
from dataclasses import replace

from sqlglot import exp

from local_snowflake.execution.context import Context
from local_snowflake.functions.bulk import scope
from local_snowflake.functions.bulk.calls import Call
from local_snowflake.functions.bulk.fill import BulkTable, Evaluation
from local_snowflake.sql import trees
from local_snowflake.sql.resolve import TABLE_FUNCTION_PREFIX

# what is computed before the calls whenever it does not depend on them
_BEFORE = ("from_", "joins", "laterals", "where")
_GROUPING = ("group", "having")
_AFTER = ("qualify", "distinct", "order", "limit", "offset")


class NotInBulk(Exception):  # noqa: N818 (not an error: the calls become DuckDB functions)
    """A block cannot be split."""


class Block:
    """A SELECT block whose calls are replaced in place.

    The block ``SELECT a, f(b) AS x FROM t WHERE c ORDER BY x`` becomes ``SELECT C0 AS a, P0 AS x FROM bulk ORDER BY x``
    over the results of ``SELECT a, b FROM t WHERE c``. An expression that contains a call is computed after the calls;
    what it needs of the block's rows apart from the calls is carried along in a hidden column.
    """

    def __init__(self, ctx: Context, select: exp.Select, calls: list[Call]) -> None:
        self.ctx = ctx
        self.select = select
        self.calls = {id(call.node): call for call in calls}
        self.hidden: list[exp.Expr] = []
        self.evaluations: dict[tuple[str, ...], Evaluation] = {}
        self.name = TABLE_FUNCTION_PREFIX + "BULK_" + uuid.uuid4().hex.upper()
        # without grouping by rows, whole subexpressions are carried along; with it, single columns
        self.columns_only = False

    def rewrite(self) -> None:
        """Split the block and change it in place.

        Raises:
            NotInBulk: if it cannot be split; nothing was changed then except that aliases were written out.
        """
        self._write_out_aliases()
        self._write_out_positions()
        self.columns_only = self._needs_columns_only()
        late = [self._has_call(p) or (self.columns_only and not p.is_star) for p in self.select.expressions]
        before = exp.Select(expressions=[])
        for clause in (*_BEFORE, *_GROUPING, *_AFTER):
            if (part := self.select.args.get(clause)) is not None and not self._comes_after(clause):
                before.set(clause, part.copy())
        late_conditions = self._split_where(before)
        shown = [p.copy() for p, is_late in zip(self.select.expressions, late, strict=True) if not is_late]
        before.set("expressions", shown)
        source = scope.visible_ctes(self.select)
        widths, names = scope.describe_columns(self.ctx, before, source)
        after = self._after(late, widths, names)
        conditions = [self._later(self._copy_with_calls(c)) for c in late_conditions]
        clauses = {c: self._later_clause(c) for c in (*_GROUPING, *_AFTER) if self._comes_after(c)}
        self._register(before, source, shown=len(names))
        self._replace(after, conditions, clauses)

    # -- what depends on the calls ------------------------------------------------------------------------------------

    def _has_call(self, node: exp.Expr | None) -> bool:
        return node is not None and any(id(n) in self.calls for n in node.walk())

    def _write_out_aliases(self) -> None:
        """Replace the name of a projection that contains a call, where another part of the block uses it."""
        late = {p.alias: p.this for p in self.select.expressions if isinstance(p, exp.Alias) and self._has_call(p)}
        if not late:
            return
        from_source: dict[str, bool] = {}
        for column in list(self.select.find_all(exp.Column)):
            name = column.name
            if column.table or name not in late or column.find_ancestor(exp.Select) is not self.select:
                continue
            clause = scope.top_of(column, self.select)
            # in the projection that has the alias, the name is that of a source's column
            if clause.arg_key == "expressions" and clause.alias == name:
                continue
            if clause.arg_key != "order":
                if name not in from_source:
                    from_source[name] = self._is_source_column(name)
                if from_source[name]:
                    continue
            self._postpone(column)
            column.replace(exp.paren(self._copy_with_calls(late[name])))

    def _postpone(self, argument: exp.Expr) -> None:
        """Leave the call that an expression is an argument of for the next time: it needs another call's result."""
        node: exp.Expr | None = argument
        while node is not None and node is not self.select:
            self.calls.pop(id(node), None)
            node = node.parent

    def _copy_with_calls(self, node: exp.Expr) -> exp.Expr:
        """A copy in which the calls are registered, too."""
        copy = node.copy()
        for old, new in zip(list(node.walk()), list(copy.walk()), strict=True):
            if call := self.calls.get(id(old)):
                self.calls[id(new)] = replace(call, node=new)
        return copy

    def _is_source_column(self, name: str) -> bool:
        """Whether what stands in FROM has a column of this name: it hides an alias, but in ORDER BY."""
        sources = exp.Select(expressions=[exp.Star()])
        for clause in ("from_", "joins", "laterals"):
            if (part := self.select.args.get(clause)) is not None:
                sources.set(clause, part.copy())
        sql = scope.compile_select(self.ctx, sources, scope.visible_ctes(self.select), is_block=True)
        return name in scope.describe(self.ctx, sql)[0]

    def _write_out_positions(self) -> None:
        """``GROUP BY 1`` -> the expression: the position changes when the calls are taken out."""
        group = self.select.args.get("group")
        for item in list(group.expressions) if group else []:
            if isinstance(item, exp.Literal) and item.is_int:
                projection = self.select.expressions[int(item.this) - 1]
                item.replace(self._copy_with_calls(projection.unalias()))

    def _needs_columns_only(self) -> bool:
        """Whether rows are grouped after the calls."""
        select = self.select
        group = select.args.get("group")
        if self._has_call(group) or self._has_call(select.args.get("having")) or (group and group.args.get("all")):
            return True
        if any(self._has_call(a) for a in select.find_all(exp.AggFunc) if a.find_ancestor(exp.Window) is None):
            return True
        grouped = group is not None or any(
            a.find_ancestor(exp.Select) is select and a.find_ancestor(exp.Window) is None
            for a in select.find_all(exp.AggFunc)
        )
        filtered = self._has_call(select.args.get("where"))
        return filtered and (grouped or select.find(exp.Window) is not None)

    def _comes_after(self, clause: str) -> bool:
        """Whether a clause is applied after the calls."""
        select = self.select
        if clause in _BEFORE or select.args.get(clause) is None:
            return False
        if self.columns_only or self._has_call(select.args.get(clause)) or clause == "distinct":
            return True
        if clause in _GROUPING:
            return False
        late_window = any(self._has_call(w) for w in select.find_all(exp.Window))
        if clause == "qualify" or self._has_call(select.args.get("where")):
            return clause != "qualify" or late_window
        if late_window or select.args.get("distinct") is not None or self._has_call(select.args.get("qualify")):
            return True
        order = select.args.get("order")
        return order is not None and (self._has_call(order) or any(_is_position(o) for o in order.expressions))

    # -- the two halves -----------------------------------------------------------------------------------------------

    def _split_where(self, before: exp.Select) -> list[exp.Expr]:
        """Leave the conditions that need no call in ``before``; returns the others, of the block itself."""
        where = self.select.args.get("where")
        if where is None or not self._has_call(where):
            return []
        early: list[exp.Expr] = []
        late: list[exp.Expr] = []
        for condition in list(where.this.flatten()) if isinstance(where.this, exp.And) else [where.this]:
            (late if self._has_call(condition) else early).append(condition)
        before.set("where", exp.Where(this=exp.and_(*(c.copy() for c in early), copy=False)) if early else None)
        return late

    def _after(self, late: list[bool], widths: list[int], names: list[str]) -> list[exp.Expr]:
        """The projections over the table of results."""
        projections: list[exp.Expr] = []
        position, of_shown = 0, iter(widths)
        for projection, is_late in zip(self.select.expressions, late, strict=True):
            if is_late:
                name = scope.output_name(projection)
                value = self._later(self._copy_with_calls(projection.unalias()))
                projections.append(trees.named(value, name))
                continue
            for _ in range(next(of_shown)):
                projections.append(trees.named(trees.column(f"C{position}"), names[position]))
                position += 1
        return projections

    def _later_clause(self, clause: str) -> exp.Expr:
        part = self._copy_with_calls(self.select.args[clause])
        if clause in {"limit", "offset"}:
            return part
        for child in list(part.iter_expressions()):
            if clause == "order" and _is_position(child):
                continue
            child.replace(self._later(child))
        return part

    def _later(self, node: exp.Expr) -> exp.Expr:
        """What stands for an expression after the calls."""
        if call := self.calls.get(id(node)):
            return call.from_column(trees.column(self._evaluation(call)))
        if not self._has_call(node) and not (self.columns_only and not isinstance(node, exp.Column)):
            needs_row = node.find(exp.Column, exp.AggFunc, exp.Window, exp.Select) is not None
            return self._carry(node) if needs_row else node
        if isinstance(node, (exp.Select, exp.Lambda)):
            raise NotInBulk
        for child in list(node.iter_expressions()):
            changed = self._later(child)
            if changed is not child:
                child.replace(changed)
        return node

    def _carry(self, node: exp.Expr) -> exp.Expr:
        """A hidden column for a part of the block's rows."""
        if isinstance(node, exp.Ordered):
            node.set("this", self._carry(node.this))
            return node
        text = node.sql(dialect="snowflake")
        for i, hidden in enumerate(self.hidden):
            if hidden.sql(dialect="snowflake") == text:
                return trees.column(f"H{i}")
        self.hidden.append(node.copy())
        return trees.column(f"H{len(self.hidden) - 1}")

    def _evaluation(self, call: Call) -> str:
        """The name of the column with a call's result."""
        key = (call.function.key, *(a.sql(dialect="snowflake") for a in call.arguments))
        if key not in self.evaluations:
            arguments = [a.copy() for a in call.arguments]
            self.evaluations[key] = Evaluation(call.function, f"P{len(self.evaluations)}_", arguments, {})
        evaluation = self.evaluations[key]
        evaluation.results[call.result] = call.type
        return evaluation.column(call.result)

    def _register(self, before: exp.Select, source: exp.With | None, shown: int) -> None:
        """Compile the first half and register the table that it fills."""
        for i, hidden in enumerate(self.hidden):
            before.append("expressions", trees.named(hidden, f"$H{i}"))
        position = shown + len(self.hidden)
        for evaluation in self.evaluations.values():
            evaluation.position = position
            for argument in evaluation.arguments:
                before.append("expressions", trees.named(argument, f"$A{position}"))
                position += 1
        if not before.expressions:
            # a call without arguments: the block's rows still have to be counted
            before.append("expressions", trees.named(exp.Literal.number(1), "$H0"))
            self.hidden.append(exp.Literal.number(1))
        columns = [f"C{i}" for i in range(shown)] + [f"H{i}" for i in range(len(self.hidden))]
        sql = scope.compile_select(self.ctx, before, source, is_block=True)
        BulkTable(self.ctx, self.name, sql, columns, list(self.evaluations.values())).register()

    def _replace(self, after: list[exp.Expr], conditions: list[exp.Expr], clauses: dict[str, exp.Expr]) -> None:
        select = self.select
        for clause in (*_BEFORE, *_GROUPING, *_AFTER):
            select.set(clause, clauses.get(clause))
        select.set("expressions", after)
        select.set("from_", exp.From(this=exp.to_table(f'"{self.name}"', dialect="snowflake")))
        if conditions:
            select.set("where", exp.Where(this=exp.and_(*conditions, copy=False)))
        scope.drop_unused_ctes(select)


def _is_position(ordered: exp.Expr) -> bool:
    return isinstance(ordered, exp.Ordered) and isinstance(ordered.this, exp.Literal) and ordered.this.is_int
