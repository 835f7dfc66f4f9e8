"""Inference in SQL: calls of models' methods, evaluated in bulk by worker processes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from sqlglot import exp

from local_snowflake.errors import compilation_error, not_supported
from local_snowflake.execution.context import Context
from local_snowflake.functions import bulk
from local_snowflake.models.call_syntax import ModelCall, parse_name
from local_snowflake.models.manifest import Method
from local_snowflake.models.versions import folder_of, need_model, package_of
from local_snowflake.python.handler_spec import Columns, HandlerSpec, folder_imports
from local_snowflake.python.sandbox.scoring import OBJECT, VALUE
from local_snowflake.python.sandbox.values import ARROW_TYPES
from local_snowflake.routines.calls import given_arguments, is_in_from, with_types
from local_snowflake.routines.lookup import fits
from local_snowflake.routines.scalar import vectorised
from local_snowflake.routines.table_functions import expand_in_from
from local_snowflake.sql import trees
from local_snowflake.sql.types import SfType, parse_type

_JSON = SfType("VARIANT")


@dataclass(frozen=True)
class BoundMethod:
    """A method of one model version, ready to be called."""

    label: str
    folder: Path
    method: Method

    def result_type(self, result: str) -> SfType:
        """The type of a result: of a field, of the whole OBJECT, or of the one value."""
        if result == OBJECT:
            return SfType("OBJECT")
        if result == VALUE:
            return parse_type(self.method.outputs[0].type)
        return self.method.fields.get(result, _JSON)

    def specification(self, results: Sequence[str]) -> HandlerSpec:
        """The call as a worker process takes it."""
        return self._specification(self.label, "model", tuple((r, self.result_type(r)) for r in results))

    def table_specification(self) -> HandlerSpec:
        """The call of a table function as a worker process takes it."""
        outputs = tuple((a.name, parse_type(a.type)) for a in self.method.outputs)
        return self._specification(self.method.name, "table", outputs)

    def _specification(self, name: str, kind: str, outputs: Columns) -> HandlerSpec:
        inputs = tuple((a.name, parse_type(a.type)) for a in self.method.arguments)
        imports = folder_imports(self.folder)
        return HandlerSpec(name, self.method.handler, kind, imports=imports, inputs=inputs, outputs=outputs)


def bind(ctx: Context, call: ModelCall) -> BoundMethod:
    """Find the version and the method that a call names.

    Raises:
        SnowflakeError: 002003 if there is no such model or version, 002141 if it has no such method.
    """
    model = need_model(ctx, ctx.resolve(call.model), "USAGE")
    version = model.version(call.version)
    package = package_of(ctx, version)
    method = package.method(call.method)
    label = f"{model.name.fqn} version {version.name}"
    if method is None:
        names = ", ".join(m.name for m in package.methods)
        text = f"Unknown user-defined function {call.method} of model {label}. It has: {names}."
        raise compilation_error(text, 2141, "42601")
    return BoundMethod(f"{label}!{method.name}", folder_of(ctx, version), method)


@bulk.register
def find(ctx: Context, tree: exp.Expr) -> list[bulk.Call]:
    """The calls of models' methods in a statement."""
    return [_bulk_call(ctx, node, bind(ctx, call)) for node, call in _calls(tree, in_from=False)]


def _bulk_call(ctx: Context, node: exp.Anonymous, bound: BoundMethod) -> bulk.Call:
    if bound.method.is_table_function:
        raise not_supported(f"{bound.label} outside of TABLE(…): it is a table function")
    arguments = _arguments(node, bound)
    outer, result = _field_access(node) if bound.method.outputs[0].type.upper() == "OBJECT" else (node, VALUE)
    kind = bound.result_type(result)

    def evaluate(table: pa.Table, results: Sequence[str]) -> pa.Table:
        return ctx.services.workers.evaluate(
            bound.specification(results), table, session=ctx.session, count=table.num_rows
        )

    def from_column(column: exp.Expr) -> exp.Expr:
        if kind.is_semi_structured:
            return trees.as_json(column)
        is_cast = isinstance(outer.parent, exp.Cast) and outer.arg_key == "this"
        return column if result == VALUE or is_cast else exp.Anonymous(this="TO_JSON", expressions=[column])

    def by_vector() -> exp.Expr:
        return from_column(vectorised(ctx, bound.specification([result]), arguments))

    function = bulk.Function(f"{bound.folder.name}!{bound.method.name}", evaluate)
    arrow = pa.int64() if kind.name == "NUMBER" else ARROW_TYPES.get(kind.name, pa.string())
    return bulk.Call(outer, function, arguments, result, arrow, from_column, by_vector)


def _field_access(node: exp.Expr) -> tuple[exp.Expr, str]:
    """The part of the tree that takes one field of a call's OBJECT, and the field; else the call itself."""
    name = trees.member(node.parent) if node.arg_key == "this" else None
    return (node.parent, name) if node.parent and name is not None else (node, OBJECT)


def _arguments(node: exp.Anonymous, bound: BoundMethod) -> list[exp.Expr]:
    """A call's arguments, cast to the declared types; parameters that are left out get their defaults."""
    method, given = bound.method, given_arguments(node)
    if not fits(method.arguments, given):
        types = ", ".join(a.type for a in method.inputs)
        text = f"error line 1 at position 0\nInvalid argument types for function '{method.name}': "
        text += f"there are {len(node.expressions)}; {bound.label} takes {len(method.inputs)}: ({types})"
        raise compilation_error(text, 1044, "42P13")
    pairs = with_types(method.arguments, given)
    return [exp.cast(value.copy(), kind, dialect="snowflake", copy=False) for value, kind in pairs]


def expand_table_functions(ctx: Context, tree: exp.Expression) -> exp.Expression:
    """``TABLE(MODEL(m, v)!METHOD(…) OVER (PARTITION BY …))`` -> the rows that the method gives for theirs.

    Source: https://docs.snowflake.com/en/developer-guide/snowflake-ml/model-registry/partitioned-models
    """
    while found := next(_calls(tree, in_from=True), None):
        node, call = found
        bound = bind(ctx, call)
        if not bound.method.is_table_function:
            raise compilation_error(f"{bound.label} is no table function: it cannot stand in TABLE(…).")
        expand_in_from(ctx, node, _arguments(node, bound), bound.table_specification())
    return tree


def _calls(tree: exp.Expr, *, in_from: bool) -> Iterator[tuple[exp.Anonymous, ModelCall]]:
    """The calls of models' methods: those in TABLE(…) if ``in_from``, else all others."""
    for node in tree.find_all(exp.Anonymous):
        if is_in_from(node) == in_from and (call := parse_name(node.name)):
            yield node, call
