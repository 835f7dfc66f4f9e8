"""Text: values cast to text and texts to BINARY and TIME, and string functions that DuckDB does not have.

Source: https://docs.snowflake.com/en/sql-reference/functions-string
"""

from sqlglot import exp

from local_snowflake.errors import SnowflakeError, carried, not_supported
from local_snowflake.functions.formats import numbers as number_formats
from local_snowflake.functions.formats import times as time_formats
from local_snowflake.functions.python_calls import call, groups_of, python_call
from local_snowflake.sql.trees import is_float
from local_snowflake.sql.types import MAX_TEXT

_TEXT = (exp.DType.VARCHAR, exp.DType.TEXT)
_SIZED = (*_TEXT, exp.DType.CHAR, exp.DType.NCHAR, exp.DType.NVARCHAR)
# what the letters A-Z count for; a vowel parts two letters of one number, H and W do not
_SOUNDS = "'ABCDEFGHIJKLMNOPQRSTUVWXYZ', '01230120022455012623010202'"

MATCHES = (exp.RegexpExtract, exp.RegexpExtractAll, exp.RegexpInstr)
_MATCH_NUMBERS = (("position", 1), ("occurrence", 1), ("option", 0))

# what stands before and behind the text
_TOO_LONG_TEXT = (
    carried(SnowflakeError(100078, "22000", "String '\n' is too long and would be truncated"))
    .replace("'", "''")
    .split("\n")
)

MACROS = (
    # DuckDB takes digits of an odd number, too
    """bytes_of_hex(x) AS list_transform([CAST(x AS VARCHAR)], lambda h: CASE
    WHEN regexp_full_match(h, '([0-9A-Fa-f]{2})*') THEN unhex(h) ELSE CAST(CAST(CAST(
    '$SNOWFLAKE|100115|22000|The following string is not a legal hex-encoded value: ''' || h || '''|$' AS BIGINT)
    AS VARCHAR) AS BLOB) END)[1]""",
    "hex_to_binary(x) AS CASE WHEN typeof(x) = 'BLOB' THEN CAST(x AS BLOB) ELSE bytes_of_hex(x) END",
    f"""fitting_text(x, n) AS CASE WHEN length(CAST(x AS VARCHAR)) <= n OR x IS NULL THEN CAST(x AS VARCHAR)
    ELSE [NULL][CAST('{_TOO_LONG_TEXT[0]}' || CAST(x AS VARCHAR) || '{_TOO_LONG_TEXT[1]}|$' AS BIGINT)] END""",
    "md5_part(x, first) AS CAST('0x' || md5(CAST(x AS VARCHAR))[first:first + 15] AS UBIGINT)",
    "chr_of(x) AS chr(CAST(x AS INTEGER))",
    "try_hex_decode_binary(x) AS TRY(bytes_of_hex(x))",
    "try_base64_decode_binary(x) AS TRY(from_base64(CAST(x AS VARCHAR)))",
    "try_hex_decode_string(x) AS TRY(decode(bytes_of_hex(x)))",
    # DuckDB's own takes a constant delimiter only
    "joined_texts(x, s) AS CASE WHEN len(x) = 0 THEN '' ELSE list_reduce(x, lambda a, b: a || s || b) END",
    "text_of_float(x) AS regexp_replace(CAST(x AS VARCHAR), '\\.0$', '')",
    # what typeof decides is decided when a statement is planned
    """text_of(x) AS CASE WHEN typeof(x) = 'JSON' THEN json_extract_string(CAST(x AS VARCHAR), '$')
    WHEN typeof(x) IN ('DOUBLE', 'FLOAT') THEN text_of_float(x)
    WHEN typeof(x) = 'BLOB' THEN hex(CAST(x AS BLOB)) WHEN typeof(x) = 'TIME' THEN CAST(x AS VARCHAR)[:8]
    WHEN typeof(x) = 'TIMESTAMP' THEN strftime(CAST(x AS TIMESTAMP), '%Y-%m-%d %H:%M:%S.%g')
    WHEN typeof(x) = 'TIMESTAMP WITH TIME ZONE' THEN strftime(CAST(x AS TIMESTAMPTZ), '%Y-%m-%d %H:%M:%S.%g ')
    || rpad(strftime(CAST(x AS TIMESTAMPTZ), '%z'), 5, '0')
    WHEN typeof(x) = 'INTERVAL' THEN text_of_zoned(x)
    WHEN typeof(x) LIKE '%]' OR typeof(x) LIKE 'STRUCT(%' OR typeof(x) LIKE 'MAP(%' THEN CAST(to_json(x) AS VARCHAR)
    ELSE CAST(x AS VARCHAR) END""",
    # a letter that is none of A-Z counts as a vowel
    f"""sounds(x) AS regexp_replace(translate(upper(x[1]) || regexp_replace(upper(x[2:]), '[HW]', '', 'g'), {_SOUNDS}),
    '[^0-6]', '0', 'g')""",
    """soundex_of_letters(x) AS CASE WHEN x = '' THEN '' ELSE x[1] || rpad(replace(
    regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(
    sounds(x), '1+', '1', 'g'), '2+', '2', 'g'), '3+', '3', 'g'), '4+', '4', 'g'), '5+', '5', 'g'), '6+', '6', 'g')[2:],
    '0', ''), 3, '0') END""",
    r"soundex(x) AS soundex_of_letters(regexp_replace(CAST(x AS VARCHAR), '\PL+', '', 'g'))",
)


def rewrite_casts(tree: exp.Expr) -> None:
    """Rewrite casts to BINARY and calls of TIME."""
    for cast in list(tree.find_all(exp.Cast)):
        if cast.to.is_type(exp.DType.BINARY, exp.DType.VARBINARY):
            _binary(cast)
    for time in list(tree.find_all(exp.Time)):
        # TIME('16:10:02') is TO_TIME: https://docs.snowflake.com/en/sql-reference/functions/to_time
        if time.args.get("zone") is None:
            time.replace(exp.cast(time.this, "TIME", dialect="snowflake"))


def _binary(cast: exp.Cast) -> None:
    """``x::BINARY`` -> the bytes that a text spells by BINARY_INPUT_FORMAT's default, HEX; bytes stay what they are.

    Source: https://docs.snowflake.com/en/sql-reference/binary-input-output
    """
    converted = call("hex_to_binary", cast.this)
    cast.replace(call("try", converted) if isinstance(cast, exp.TryCast) else converted)


def rewrite_functions(tree: exp.Expr) -> None:
    """Rewrite what needs more than a macro, in place."""
    for digest in list(tree.find_all(exp.SHA2)):
        bits = digest.args.get("length") or exp.Literal.number(256)
        digest.replace(python_call("sha2", "VARCHAR", digest.this, bits))
    for character in list(tree.find_all(exp.Chr)):
        character.replace(call("chr_of", *character.expressions))
    for trim in list(tree.find_all(exp.Trim)):
        name = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(str(trim.args.get("position") or ""), "trim")
        letters = [trim.expression] if trim.args.get("expression") is not None else []
        trim.replace(call(name, call("text_of", trim.this), *letters))
    for contains in tree.find_all(exp.Contains):
        # DuckDB's function of this name is of lists, too
        for key in ("this", "expression"):
            if isinstance(contains.args.get(key), exp.Null):
                contains.set(key, exp.cast(exp.null(), "VARCHAR", dialect="duckdb"))
    for joined in list(tree.find_all(exp.ArrayToString)):
        joined.replace(call("joined_texts", joined.this, joined.expression))
    for replaced in list(tree.find_all(exp.RegexpReplace)):
        if any(replaced.args.get(key) for key in ("position", "occurrence", "modifiers")):
            replaced.replace(_regexp_replace(replaced))


def rewrite_matches(tree: exp.Expr) -> None:
    """Rewrite the functions that look for a regular expression and take a group of it, in place."""
    for match in list(tree.find_all(*MATCHES)):
        _match_groups(match)


VALUES = (
    *(exp.MD5NumberLower64, exp.MD5NumberUpper64, exp.TryBase64DecodeString, exp.ParseUrl, exp.ToNumber, exp.ToDouble),
    *(exp.ByteLength, exp.Cast),
)


def rewrite_values(tree: exp.Expr) -> None:
    """Rewrite functions of a text's bytes and digits, in place."""
    for number in list(tree.find_all(exp.MD5NumberLower64, exp.MD5NumberUpper64)):
        first = 17 if isinstance(number, exp.MD5NumberLower64) else 1
        number.replace(call("md5_part", number.this, exp.Literal.number(first)))
    for decoded in list(tree.find_all(exp.TryBase64DecodeString)):
        decoded.replace(call("TRY", call("decode", call("from_base64", decoded.this))))
    for url in list(tree.find_all(exp.ParseUrl)):
        permissive = exp.NEQ(
            this=exp.cast(url.args.get("permissive") or exp.Literal.number(0), "INT"), expression=exp.Literal.number(0)
        )
        url.replace(python_call("parse_url", "JSON", call("text_of", url.this), permissive))
    for read in list(tree.find_all(exp.ToNumber, exp.ToDouble)):
        _to_number(read)
    for length in list(tree.find_all(exp.ByteLength)):
        length.replace(call("strlen", call("text_of", length.this)))
    for cast in list(tree.find_all(exp.Cast)):
        # a text that is too long is truncated
        if cast.to.is_type(*_SIZED) and cast.to.expressions and int(cast.to.expressions[0].name) < MAX_TEXT:
            size = cast.to.expressions[0]
            holder = exp.Placeholder()
            cast.replace(holder)
            holder.replace(call("left", cast, size.this.copy()))


def rewrite_formats(tree: exp.Expr) -> None:
    """Rewrite conversions between text, times and binaries, in place."""
    for formatted in list(tree.find_all(exp.TimeToStr)):
        formatted.replace(_to_char(formatted.this, formatted.args.get("format")))
    for binary in list(tree.find_all(exp.ToBinary)):
        if not binary.args.get("format"):
            replacement = call("hex_to_binary", binary.this)
            binary.replace(call("TRY", replacement) if binary.args.get("safe") else replacement)
    for decoded in list(tree.find_all(exp.Unhex, exp.HexDecodeString)):
        made = call("hex_to_binary", decoded.this)
        decoded.replace(call("decode", made) if isinstance(decoded, exp.HexDecodeString) else made)
    for text in list(tree.find_all(exp.ToChar)):
        text.replace(_to_char(text.this, text.args.get("format")))


def _to_number(node: exp.Expr) -> None:
    """TO_NUMBER or TO_DOUBLE with a constant format: the digits that it describes are what is converted."""
    form = node.args.get("format")
    if isinstance(form, exp.Literal) and form.is_string:
        number_formats.check(form.name)
        name = "try_unformat_number" if node.args.get("safe") else "unformat_number"
        value = exp.cast(node.this, "VARCHAR", dialect="duckdb")
        node.set("this", python_call(name, "VARCHAR", value, form))
        node.set("format", None)


def _regexp_replace(node: exp.RegexpReplace) -> exp.Expr:
    """REGEXP_REPLACE with a position, an occurrence or parameters, which DuckDB's has not."""
    replacement = node.args.get("replacement") or exp.Literal.string("")
    position = node.args.get("position") or exp.Literal.number(1)
    occurrence = node.args.get("occurrence") or exp.Literal.number(0)
    parameters = node.args.get("modifiers") or exp.Literal.string("c")
    arguments = (node.this, node.expression, replacement, position, occurrence, parameters)
    return python_call("regexp_replace", "VARCHAR", *arguments)


def _match_groups(node: exp.Expr) -> None:
    """Parameter e asks for a group, the first by default; a pattern without groups is matched as if it were not there.

    Source: https://docs.snowflake.com/en/sql-reference/functions/regexp_substr
    """
    parameters, pattern = node.args.get("parameters"), node.expression
    if not (isinstance(parameters, exp.Literal) and "e" in parameters.this):
        return
    if isinstance(pattern, exp.Literal) and not groups_of(pattern.this):
        node.set("parameters", exp.Literal.string(parameters.this.replace("e", "")))
        node.set("group", exp.Literal.number(0))
        return
    group = node.args.get("group")
    if group is None or (isinstance(group, exp.Literal) and group.this == "0"):
        group = exp.Literal.number(1)
        node.set("group", group)
    if isinstance(node, exp.RegexpInstr):
        numbers = [node.args.get(key) or exp.Literal.number(n) for key, n in _MATCH_NUMBERS]
        found = python_call("regexp_instr", "VARCHAR", node.this, pattern, *numbers, parameters, group)
        node.replace(exp.cast(found, "BIGINT", dialect="duckdb"))


def constant_text(node: exp.Expr) -> exp.Expr:
    """``'a' || 'b'`` -> ``'ab'``; another expression as it is."""
    if isinstance(node, (exp.DPipe, exp.Concat)):
        parts = [constant_text(part) for part in (node.expressions or [node.this, node.expression])]
        if all(isinstance(part, exp.Literal) and part.is_string for part in parts):
            return exp.Literal.string("".join(part.name for part in parts))
    return node


def _to_char(value: exp.Expr, form: exp.Expr | None) -> exp.Expr:
    """TO_CHAR(value [, format]): https://docs.snowflake.com/en/sql-reference/functions/to_char.

    Raises 000002 for a format that is no constant, or that has other elements than those that are known.
    """
    if form is None:
        return call("text_of", value)
    form = constant_text(form)
    if not isinstance(form, exp.Literal):
        raise not_supported(f"TO_CHAR (…, {form.sql(dialect='snowflake')})")
    if encode := _ENCODINGS.get(form.name.upper()):
        return call(encode, value)
    if form.name.upper() == "AUTO":
        return call("text_of", value)
    if number_formats.is_format(form.name):
        number_formats.check(form.name)
        return python_call("format_number", "VARCHAR", exp.cast(value, "VARCHAR", dialect="duckdb"), form)
    return time_formats.formatted(value, form.name)


_ENCODINGS = {"HEX": "hex", "UTF-8": "decode", "BASE64": "to_base64"}


def cast_to_text(tree: exp.Expr) -> None:
    """Rewrite casts to VARCHAR of a translated tree, in place: they return Snowflake's text."""
    for cast in list(tree.find_all(exp.Cast)):
        if cast.to.is_type(*_TEXT) and not isinstance(cast, exp.TryCast) and not _has_plain_text(cast.this):
            cast.replace(call("text_of_float" if is_float(cast.this) else "text_of", cast.this))


def _has_plain_text(value: exp.Expr) -> bool:
    """Whether DuckDB's own text of a value is Snowflake's, so that the macro, which repeats it, is not needed."""
    value = value.unnest()
    if isinstance(value, exp.Cast) and value.to.is_type(*exp.DataType.INTEGER_TYPES):
        return True
    return isinstance(value, (exp.JSONExtractScalar, exp.Null)) or (isinstance(value, exp.Literal) and value.is_string)
