"""Calls in a syntax tree: of DuckDB's functions, and of those that are written in Python, a vector at a time."""

import hashlib
import json
import re
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import unquote_plus

import json5
import pyarrow as pa
from sqlglot import exp

from local_snowflake.errors import SnowflakeError
from local_snowflake.functions.formats import numbers as number_formats
from local_snowflake.functions.formats import read_times
from local_snowflake.functions.vectorized import VectorFunctions, called

_KEY = "function:"
_NUMBERS_KEY = _KEY + "numbers"
# the counters that are kept: more than there are calls in all statements that run at a time
_COUNTERS = 10_000
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*\Z")


def call(function: str, *arguments: exp.Expr) -> exp.Anonymous:
    """A call of a macro or of one of DuckDB's functions, which sqlglot leaves as it is."""
    return exp.Anonymous(this=function, expressions=list(arguments))


def wrap(function: str, node: exp.Expr, *before: exp.Expr) -> None:
    """Put a call into a node's place that takes the node as its last argument."""
    holder = exp.Placeholder()
    node.replace(holder)
    holder.replace(call(function, *before, node))


def python_call(name: str, kind: str, *arguments: exp.Expr) -> exp.Expr:
    """A call of the function that ``register`` knows by a name; ``kind`` is VARCHAR or JSON."""
    # DuckDB takes no JSON from Python without an extension type
    text = called(_KEY + name, "VARCHAR", arguments)
    return call("json", text) if kind == "JSON" else text


def numbers() -> exp.Expr:
    """A call that gives the rows that it is evaluated for the numbers 1, 2, …, in the order in which they come."""
    return called(_NUMBERS_KEY, "BIGINT", [exp.Literal.string(uuid.uuid4().hex)])


class _Numbers:
    """The next number of each call of ``numbers``: DuckDB evaluates it vector by vector, also in several threads."""

    def __init__(self) -> None:
        self._counted: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, columns: list[pa.ChunkedArray], rows: int) -> pa.Array:
        name = str(columns[0][0])
        with self._lock:
            first = self._counted.pop(name, 0) + 1
            self._counted[name] = first + rows - 1
            if len(self._counted) > _COUNTERS:
                self._counted.popitem(last=False)
        return pa.array(range(first, first + rows), pa.int64())


def register(vectors: VectorFunctions) -> None:
    """Register the functions for a server's expressions."""
    by_row: dict[str, Callable[..., Any]] = {
        "parse_json": parse_json,
        "try_parse_json": _try_parse_json,
        "check_json": _check_json,
        "sha2": _sha2,
        "regexp_replace": _regexp_replace,
        "regexp_instr": _regexp_instr,
        "flatten": _flatten,
        "array_sort": _array_sort,
        "array_max": lambda text: _extreme(text, -1),
        "array_min": lambda text: _extreme(text, 0),
        "parse_url": _parse_url,
        **number_formats.FUNCTIONS,
        **read_times.FUNCTIONS,
    }
    for name, function in by_row.items():
        vectors.register(_KEY + name, _rowwise(function))
    vectors.register(_NUMBERS_KEY, _Numbers())


def _rowwise(function: Callable[..., Any]) -> Callable[[list[pa.ChunkedArray], int], pa.Array]:
    """Call a function for each row; NULL as the first argument returns NULL."""

    def work(columns: list[pa.ChunkedArray], rows: int) -> pa.Array:
        values = zip(*(c.to_pylist() for c in columns), strict=True)
        return pa.array([None if row[0] is None else function(*row) for row in values], pa.string())

    return work


def parse_json(text: str, parameter: str = "s") -> str:
    """Lenient JSON, eg: names without quotes, strings in single quotes, a trailing comma; returned as strict JSON.

    The members of objects are in the order of their keys, in which an account keeps them. The parameter ``d`` allows
    a repeated key, of which the last value counts.

    Raises 100069 if it cannot be read, or if a key is repeated.

    Source: https://docs.snowflake.com/en/sql-reference/functions/parse_json
    """
    hook: Callable[[Iterable[tuple[str, Any]]], Any] = dict if parameter == "d" else _members
    try:
        try:
            value = json.loads(text, object_pairs_hook=hook, parse_constant=_no_constant)
        except ValueError:
            value = json5.loads(text, object_pairs_hook=hook)
    except _RepeatedKeyError as error:
        key = json.dumps(error.key, ensure_ascii=False)
        where = [match.end() for match in re.finditer(re.escape(key), text)]
        reason = f"duplicate object attribute {key}, pos {where[1] if len(where) > 1 else len(text)}"
        raise SnowflakeError(100069, "22P02", f"Error parsing JSON: {reason}") from None
    except (ValueError, RecursionError) as error:
        reason = _reason(text) or f"{text[:200]}: {str(error).removeprefix('<string>:')}"
        raise SnowflakeError(100069, "22P02", f"Error parsing JSON: {reason}") from None
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _reason(text: str) -> str | None:
    """Why a text is no JSON, in the words of an account, where they are known.

    Source: https://docs.snowflake.com/en/sql-reference/functions/check_json
    """
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        at_end = error.pos >= len(text)
        if error.msg.startswith("Unterminated string"):
            return f"unfinished string, pos {len(text) + 1}"
        if error.msg == "Expecting ':' delimiter" and not at_end:
            return f"missing colon, pos {error.pos + 1}"
        if error.msg == "Expecting ',' delimiter" and at_end and text.lstrip().startswith("{"):
            return f"incomplete object value, pos {error.pos + 1}"
        if error.msg == "Expecting value" and text[error.pos : error.pos + 1] == "}":
            return f"misplaced }}, pos {error.pos + 1}"
    except RecursionError:
        pass
    return None


class _RepeatedKeyError(Exception):
    """An object with two members of one key."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _members(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    pairs = list(pairs)
    members = dict(pairs)
    if len(members) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _RepeatedKeyError(next(key for place, key in enumerate(keys) if key in keys[:place]))
    return members


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _try_parse_json(text: str, parameter: str = "s") -> str | None:
    try:
        return parse_json(text, parameter)
    except SnowflakeError:
        return None


def _check_json(text: str) -> str | None:
    try:
        parse_json(text)
    except SnowflakeError as error:
        return error.message.removeprefix("Error parsing JSON: ")
    return None


def _sha2(text: str, bits: int) -> str:
    """SHA2(text, 224 | 256 | 384 | 512): https://docs.snowflake.com/en/sql-reference/functions/sha2."""
    if bits not in {224, 256, 384, 512}:
        raise SnowflakeError(100079, "22023", f"Invalid digest size {bits} for SHA2: it is 224, 256, 384 or 512.")
    return hashlib.new(f"sha{bits}", text.encode()).hexdigest()


_FLAGS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL}
# the named sets of POSIX, which Python's expressions have not
_POSIX_SETS = {
    "alnum": "A-Za-z0-9",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7f",
    "blank": r" \t",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\s",
    "upper": "A-Z",
    "word": "A-Za-z0-9_",
    "xdigit": "0-9A-Fa-f",
}


def _pattern(pattern: str, parameters: str = "") -> re.Pattern[str]:
    """Compile a pattern as it is written in SQL: sqlglot leaves the escapes of a text as they are.

    Source of the named sets: https://docs.snowflake.com/en/sql-reference/functions-regexp
    """
    flags = re.RegexFlag(0)
    for letter in parameters:
        flags |= _FLAGS.get(letter, re.RegexFlag(0))
    try:
        named = re.sub(r"\[:(\w+):\]", lambda name: _POSIX_SETS.get(name[1], name[0]), pattern.replace("\\\\", "\\"))
        return re.compile(named, flags)
    except re.error as error:
        raise SnowflakeError(100048, "2201B", f"Invalid regular expression: '{pattern}', {error}") from None


def groups_of(pattern: str) -> int:
    """Return how many groups a pattern has.

    Raises:
        SnowflakeError: 100048, it is not a regular expression.
    """
    return _pattern(pattern).groups


def _regexp_replace(text: str, pattern: str, new: str, position: int, occurrence: int, parameters: str) -> str:
    """REGEXP_REPLACE: https://docs.snowflake.com/en/sql-reference/functions/regexp_replace."""
    compiled = _pattern(pattern, parameters)
    try:
        matches = list(compiled.finditer(text, position - 1))
        for match in reversed(matches if occurrence == 0 else matches[occurrence - 1 : occurrence]):
            text = text[: match.start()] + match.expand(new.replace("\\\\", "\\")) + text[match.end() :]
    except re.error as error:
        raise SnowflakeError(100048, "2201B", f"Invalid regular expression: '{pattern}', {error}") from None
    return text


def _regexp_instr(text: str, *arguments: Any) -> str | None:
    """REGEXP_INSTR of a group: https://docs.snowflake.com/en/sql-reference/functions/regexp_instr."""
    if None in arguments:
        return None
    pattern, position, occurrence, option, parameters, group = arguments
    compiled = _pattern(pattern, parameters)
    matches = list(compiled.finditer(text, position - 1))[occurrence - 1 : occurrence]
    group = group if compiled.groups else 0
    if not matches or group > compiled.groups:
        return "0"
    return str((matches[0].end(group) if option else matches[0].start(group)) + 1)


def _order(value: Any) -> tuple[str, Any]:
    """Values sort among those of their kind: numbers by size, everything else by its text."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return "number", value
    return type(value).__name__, value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _array_sort(text: str, ascending: bool, nulls_first: bool) -> str | None:
    """ARRAY_SORT: https://docs.snowflake.com/en/sql-reference/functions/array_sort."""
    values = json.loads(text)
    if not isinstance(values, list):
        return None
    nulls = [v for v in values if v is None]
    rest = sorted((v for v in values if v is not None), key=_order, reverse=not ascending)
    return json.dumps(nulls + rest if nulls_first else rest + nulls, ensure_ascii=False)


def _extreme(text: str, position: int) -> str | None:
    """ARRAY_MAX and ARRAY_MIN, NULLs left out."""
    values = json.loads(text)
    ordered = sorted((v for v in values if v is not None), key=_order) if isinstance(values, list) else []
    return json.dumps(ordered[position], ensure_ascii=False) if ordered else None


def _flatten(text: str, path: str, recursive: bool, mode: str) -> str:
    """FLATTEN: the rows of a JSON value as a JSON array of objects with the keys k, p, i, v and t.

    ``path`` is that of the value: the rows' paths start with it. ``mode`` is OBJECT, ARRAY or BOTH: what is expanded.
    """
    return json.dumps(list(_rows(json.loads(text), path, recursive, mode.upper())), ensure_ascii=False)


def _rows(value: Any, path: str, recursive: bool, mode: str) -> Iterator[dict[str, Any]]:
    for key, index, inner, below in _children(value, path, mode):
        yield {"k": key, "i": index, "p": below, "v": inner, "t": value}
        if recursive:
            yield from _rows(inner, below, recursive, mode)


def _children(value: Any, path: str, mode: str) -> Iterator[tuple[str | None, int | None, Any, str]]:
    if isinstance(value, dict) and mode != "ARRAY":
        for key in sorted(value):
            name = key if _PLAIN_KEY.match(key) else "['" + key.replace("'", "\\'") + "']"
            dot = "." if path and not name.startswith("[") else ""
            yield key, None, value[key], f"{path}{dot}{name}"
    if isinstance(value, list) and mode != "OBJECT":
        for index, inner in enumerate(value):
            yield None, index, inner, f"{path}[{index}]"


def _parse_url(text: str, permissive: bool) -> str:
    """PARSE_URL: https://docs.snowflake.com/en/sql-reference/functions/parse_url.

    Raises 100139 for what is no URL; if it is ``permissive``, returns an object with the error instead.
    """
    match = _URL.fullmatch(text)
    if match is None:
        if permissive:
            return json.dumps({"error": f"Error parsing URL: {text}"})
        raise SnowflakeError(100139, "22000", f"Error parsing URL: {text}: scheme not specified")
    scheme, authority, path, query, fragment = match.groups()
    host, port = (authority or "").rpartition("@")[2], None
    if found := re.fullmatch(r"(.*):(\d+)", host, re.S):
        host, port = found[1], found[2]
    pairs = [pair.partition("=") for pair in query.split("&")] if query else []
    parts = {
        "fragment": fragment,
        "host": host if authority is not None else None,
        "parameters": {unquote_plus(k): unquote_plus(v) if eq else None for k, eq, v in pairs} if query else None,
        "path": path.lstrip("/") if path else None,
        "port": port,
        "query": query,
        "scheme": scheme,
    }
    return json.dumps(parts, ensure_ascii=False)


_URL = re.compile(r"([A-Za-z][\w+.-]*):(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.S)


def lenient(text: exp.Expr, parameter: str = "s", *, safe: bool) -> exp.Expr:
    """PARSE_JSON or TRY_PARSE_JSON: DuckDB reads strict JSON without objects, Python the rest."""
    strict = call("strict_json", text)
    name = "try_parse_json" if safe else "parse_json"
    rest = python_call(name, "JSON", call("json_text", text.copy()), exp.Literal.string(parameter))
    return exp.Coalesce(this=strict, expressions=[rest])
