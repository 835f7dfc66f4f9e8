"""Inference in SQL: calls of models' methods, evaluated in bulk by worker processes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from sqlglot import exp

from local_snowflake.catalog.objects import Argument
from local_snowflake.errors import compilation_error, not_supported
from local_snowflake.execution.context import Context
from local_snowflake.functions import bulk
from local_snowflake.models.call_syntax import ModelCall, parse_name
from local_snowflake.models.manifest import Method
from local_snowflake.models.versions import folder_of, need_model, package_of
from local_snowflake.python.handler_spec import Columns, HandlerSpec, folder_imports
from local_snowflake.python.sandbox.scoring import OBJECT, VALUE
from local_snowflake.python.sandbox.values import ARROW_TYPES
from local_snowflake.routines.scalar import vectorised
from local_snowflake.routines.table_functions import expand_in_from
from local_snowflake.sql.trees import as_json
from local_snowflake.sql.types import SfType, parse_type

_JSON = SfType("VARIANT")


@dataclass(frozen=True)
class BoundMethod:
    """A method of one model version, ready to be called."""

    label: str
    folder: Path
    method: Method

    @property
    def is_packed(self) -> bool:
        """Whether the result is an OBJECT of fields."""
        return self.method.outputs[0].type.upper() == "OBJECT"

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
    model = need_model(ctx, ctx.resolve(call.model))
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
    calls = []
    for node in tree.find_all(exp.Anonymous):
        call = parse_name(node.name)
        if call and not _stands_in_table(node):
            calls.append(_bulk_call(ctx, node, bind(ctx, call)))
    return calls


def _bulk_call(ctx: Context, node: exp.Anonymous, bound: BoundMethod) -> bulk.Call:
    if bound.method.is_table_function:
        raise not_supported(f"{bound.label} outside of TABLE(…): it is a table function")
    arguments = [_cast(a, declared) for a, declared in _arguments(node, bound)]
    outer, result = _field_access(node) if bound.is_packed else (node, VALUE)
    kind = bound.result_type(result)

    def evaluate(table: pa.Table, results: Sequence[str]) -> pa.Table:
        return ctx.services.workers.evaluate(
            bound.specification(results), table, session=ctx.session, count=table.num_rows
        )

    def from_column(column: exp.Expr) -> exp.Expr:
        if kind.is_semi_structured:
            return as_json(column)
        return column if result == VALUE or _is_cast(outer) else exp.Anonymous(this="TO_JSON", expressions=[column])

    def by_vector() -> exp.Expr:
        return from_column(vectorised(ctx, bound.specification([result]), arguments))

    function = bulk.Function(f"{bound.folder.name}!{bound.method.name}", evaluate)
    arrow = pa.int64() if kind.name == "NUMBER" else ARROW_TYPES.get(kind.name, pa.string())
    return bulk.Call(outer, function, arguments, result, arrow, from_column, by_vector)


def _is_cast(node: exp.Expr) -> bool:
    return isinstance(node.parent, exp.Cast) and node.arg_key == "this"


def _field_access(node: exp.Expr) -> tuple[exp.Expr, str]:
    """The part of the tree that takes one field of a call's OBJECT, and the field; else the call itself."""
    parent = node.parent
    if isinstance(parent, exp.JSONExtract) and node.arg_key == "this":
        path = parent.expression
        steps = path.expressions if isinstance(path, exp.JSONPath) else []
        keys = [k for k in steps if not isinstance(k, exp.JSONPathRoot)]
        if len(keys) == 1 and isinstance(keys[0], exp.JSONPathKey) and isinstance(keys[0].this, str):
            return parent, keys[0].this
    if isinstance(parent, exp.Bracket) and len(parent.expressions) == 1 and node.arg_key == "this":
        key = parent.expressions[0]
        if isinstance(key, exp.Literal) and key.is_string:
            return parent, key.this
    return node, OBJECT


def _arguments(node: exp.Anonymous, bound: BoundMethod) -> list[tuple[exp.Expr, Argument]]:
    """A call's arguments, each with its declaration; parameters that are left out get their defaults."""
    method = bound.method
    positional = [a for a in node.expressions if not isinstance(a, exp.Kwarg)]
    named = {a.this.name.upper(): a.expression for a in node.expressions if isinstance(a, exp.Kwarg)}
    declared = method.arguments
    values: list[exp.Expr | None] = [*positional, *([None] * (len(declared) - len(positional)))]
    for i, argument in enumerate(declared):
        if i >= len(positional):
            values[i] = named.pop(argument.name.upper(), None)
            if values[i] is None and argument.default is not None:
                values[i] = exp.maybe_parse(argument.default, dialect="snowflake")
    if len(positional) > len(declared) or named or any(v is None for v in values):
        types = ", ".join(a.type for a in method.inputs)
        text = f"error line 1 at position 0\nInvalid argument types for function '{method.name}': "
        text += f"there are {len(node.expressions)}; {bound.label} takes {len(method.inputs)}: ({types})"
        raise compilation_error(text, 1044, "42P13")
    return [(v, a) for v, a in zip(values, declared, strict=True) if v is not None]


def _cast(argument: exp.Expr, declared: Argument) -> exp.Expr:
    return exp.cast(argument.copy(), declared.type, dialect="snowflake", copy=False)


def expand_table_functions(ctx: Context, tree: exp.Expression) -> exp.Expression:
    """``TABLE(MODEL(m, v)!METHOD(…) OVER (PARTITION BY …))`` -> the rows that the method gives for theirs.

    Source: https://docs.snowflake.com/en/developer-guide/snowflake-ml/model-registry/partitioned-models
    """
    while (in_from := next(_in_from(tree), None)) is not None:
        node, call = in_from
        bound = bind(ctx, call)
        if not bound.method.is_table_function:
            raise compilation_error(f"{bound.label} is no table function: it cannot stand in TABLE(…).")
        arguments = [_cast(a, declared) for a, declared in _arguments(node, bound)]
        expand_in_from(ctx, node, arguments, bound.table_specification())
    return tree


def _in_from(tree: exp.Expr) -> Iterator[tuple[exp.Anonymous, ModelCall]]:
    """The calls of models' methods inside TABLE(…)."""
    for node in tree.find_all(exp.Anonymous):
        if _stands_in_table(node) and (call := parse_name(node.name)):
            yield node, call


def _stands_in_table(node: exp.Expr) -> bool:
    outer = node.parent.parent if isinstance(node.parent, exp.Window) else node.parent
    return isinstance(outer, exp.TableFromRows)
