"""Fakesnow's rewrites of a tree, without the walks that would find nothing.

Fakesnow walks over the whole tree once for each of its some seventy rewrites. Nearly all of them change nodes of one
kind, which most statements do not have, and a walk costs as much as printing the tree. The rewrites of kinds that most
statements do have are called with these nodes alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

from sqlglot import Expr, exp

_DATE_ADD = (exp.DateAdd,)
_SHOW = (exp.Show, exp.Command)
_TYPE = (exp.DataType,)
# a rewrite's name -> the kinds of nodes without any of which it changes nothing
NODES: dict[str, tuple[type[Expr], ...]] = {
    "identifier": (exp.DynamicIdentifier, exp.Anonymous),
    "upper_case_unquoted_identifiers": (exp.Identifier,),
    "alter_session": (exp.Alter,),
    "update_variables": (exp.Set, exp.Alias),
    "current_version": (exp.CurrentVersion,),
    "set_schema": (exp.Use,),
    "create_database": (exp.Create,),
    "extract_comment_on_table": (exp.Create, exp.Comment, exp.Alter),
    "extract_comment_on_columns": (exp.Alter,),
    "information_schema_fs": (exp.Table,),
    "information_schema_databases": (exp.Table,),
    "drop_schema_cascade": (exp.Drop,),
    "tag": (exp.Alter, exp.Command, exp.Create, exp.Drop),
    "semi_structured_types": _TYPE,
    "try_parse_json": (exp.Anonymous,),
    "split": (exp.Split,),
    "trim_cast_varchar": (exp.Trim,),
    "indices_to_json_extract": (exp.Bracket,),
    "json_extract_cast_as_varchar": (exp.JSONExtract,),
    "json_extract_cased_as_varchar": (exp.JSONExtract,),
    "json_extract_precedence": (exp.JSONExtract, exp.JSONExtractScalar),
    "flatten_value_cast_as_varchar": (exp.Explode,),
    "flatten": (exp.Explode,),
    "regex_replace": (exp.RegexpReplace,),
    "regex_substr": (exp.RegexpExtract,),
    "result_scan": (exp.TableFromRows,),
    # a column that is left under that name is none of a sequence
    "sequence_nextval": (),
    "values_columns": (exp.Values,),
    "to_date": (exp.Anonymous,),
    "timestamp_offsets": (exp.Cast,),
    "to_decimal": (exp.ToNumber,),
    "to_timestamp": (exp.UnixToTime, exp.Anonymous, exp.Cast),
    "to_variant": (exp.ToVariant,),
    "object_construct": (exp.StarMap, exp.Struct, exp.JSONObject),
    "timestamp_ntz": _TYPE,
    "float_to_double": _TYPE,
    "integer_precision": _TYPE,
    "extract_text_length": (exp.Create, exp.Alter),
    "sample": (exp.TableSample,),
    "array_size": (exp.ArraySize,),
    "random": (exp.Rand,),
    "array_agg_within_group": (exp.WithinGroup,),
    "array_agg": (exp.ArrayAgg,),
    "object_agg": (exp.ObjectAgg,),
    "array_construct_etc": (exp.ArrayConstructCompact, exp.Array, exp.ArrayConcat),
    "dateadd_date_cast": _DATE_ADD,
    "dateadd_string_literal_timestamp_cast": _DATE_ADD,
    "datediff_string_literal_timestamp_cast": (exp.DateDiff,),
    "show_databases": _SHOW,
    "show_functions": _SHOW,
    "show_procedures": _SHOW,
    "show_parameters": _SHOW,
    "show_warehouses": _SHOW,
    "show_schemas": _SHOW,
    "show_tables_etc": _SHOW,
    "show_columns": _SHOW,
    "show_stages": _SHOW,
    "show_sequences": _SHOW,
    "show_keys": _SHOW,
    "show_users": _SHOW,
    "create_user": (exp.Command,),
    "haversine": (exp.Anonymous,),
    "hex_string": (exp.HexString,),
    "sha256": (exp.SHA2, exp.SHA2Digest, exp.Anonymous),
    "create_clone": (exp.Clone,),
    "alias_in_join": (exp.Join,),
    "alias_in_where": (exp.Anonymous,),
    "alter_table_strip_cluster_by": (exp.Alter, exp.Command),
    "numeric_agg_implicit_cast": (
        *(exp.Sum, exp.Avg, exp.Variance, exp.Stddev, exp.StddevSamp, exp.StddevPop, exp.VariancePop, exp.Median),
    ),
    "create_stage": (exp.Create,),
    "create_file_format": (exp.Create,),
    "list_stage": (exp.ListStage,),
    "put_stage": (exp.Put,),
    "create_table_as": (exp.Create,),
}


# those that look at a node alone, and give another one for it -> the kinds of nodes that they look at
_OF_ONE_NODE: dict[str, tuple[type[Expr], ...]] = {
    "alias_in_join": (exp.Select,),
    "alias_in_where": (exp.Select,),
    "identifier": (exp.Table,),
    "upper_case_unquoted_identifiers": (exp.Identifier,),
    "update_variables": (exp.Set, exp.Alias),
    "information_schema_fs": (exp.Table,),
    "information_schema_databases": (exp.Table,),
    "semi_structured_types": _TYPE,
    "try_parse_json": (exp.Anonymous,),
    "to_date": (exp.Anonymous,),
    "timestamp_offsets": (exp.Cast,),
    "to_timestamp": (exp.UnixToTime, exp.Anonymous, exp.Cast),
    "timestamp_ntz": _TYPE,
    "float_to_double": _TYPE,
    "integer_precision": _TYPE,
    "haversine": (exp.Anonymous,),
    "sha256": (exp.SHA2, exp.SHA2Digest, exp.Anonymous),
}
# those of them that change what is below their node, in place
_BELOW = {"alias_in_join", "alias_in_where"}


def name_of(rewrite: Callable[..., Expr]) -> str:
    """The name of a rewrite of fakesnow; some are called by a function without a name."""
    named = rewrite.__code__.co_names if rewrite.__name__ == "<lambda>" else (rewrite.__name__,)
    return next((name for name in named if name in NODES), rewrite.__name__)


class TransformedTree:
    """Stands for a tree in fakesnow's chain ``tree.transform(rewrite, …).transform(…)``, each of which gives the next.

    Attributes:
        root: The tree after the rewrites so far.
    """

    def __init__(self, root: Expr) -> None:
        self.root = root
        # the tree's nodes, parents first, and their classes with those that these are derived from; empty: not known
        self._nodes: list[Expr] = []
        self._present: set[type] = set()

    def transform(
        self, rewrite: Callable[..., Expr], *args: object, copy: bool = True, **named: object
    ) -> TransformedTree:
        """Apply a rewrite as ``Expr.transform`` does, unless the tree has no node that it could change."""
        if not self._nodes:
            self._nodes = list(nodes(self.root))
            self._present = _with_bases(set(map(type, self._nodes)))
        name = name_of(rewrite)
        looked_for = NODES.get(name)
        if looked_for is not None and self._present.isdisjoint(looked_for):
            return self
        if changed := _OF_ONE_NODE.get(name):
            candidates = [node for node in self._nodes if isinstance(node, changed) and not _is_upper_case(node)]
            self._replace(candidates, lambda node: rewrite(node, *args, **named))
            if name in _BELOW:
                self._nodes = []
        else:
            self.root = self.root.transform(rewrite, *args, copy=copy, **named)
            self._nodes = []
        return self

    def _replace(self, candidates: list[Expr], rewrite: Callable[[Expr], Expr]) -> None:
        """Rewrite nodes; those below one that was replaced are left as they are, as by ``Expr.transform``."""
        left: set[int] = set()
        for node in candidates:
            if id(node) in left or (new := rewrite(node)) is node:
                continue
            if node is self.root:
                self.root = new
            elif node.parent and node.arg_key:
                node.parent.set(node.arg_key, new, node.index)
            left.update(map(id, nodes(new)))
            self._nodes = []


def _is_upper_case(node: Expr) -> bool:
    """Whether a node is a name that fakesnow would replace by a copy of itself."""
    return isinstance(node, exp.Identifier) and isinstance(node.this, str) and node.this == node.this.upper()


def kinds(root: Expr) -> set[type]:
    """The classes of a tree's nodes, with those that these are derived from."""
    return _with_bases(set(map(type, nodes(root))))


def _with_bases(classes: set[type]) -> set[type]:
    return set().union(*map(_bases, classes))


@cache
def _bases(kind: type) -> frozenset[type]:
    return frozenset(kind.__mro__)


# half of a tree's nodes
_LEAVES = {exp.Boolean, exp.Identifier, exp.Literal, exp.Null}


def nodes(root: Expr) -> Iterator[Expr]:
    """All nodes of a tree in no order; three times as fast as ``Expr.walk``."""
    left = [root]
    while left:
        node = left.pop()
        yield node
        if type(node) in _LEAVES:
            continue
        for value in node.args.values():
            if isinstance(value, Expr):
                left.append(value)
            elif isinstance(value, list):
                left += [each for each in value if isinstance(each, Expr)]
