"""How many arguments a function takes at most: the parser drops some of what is more, or reads another function's.

Source: https://docs.snowflake.com/en/sql-reference/functions-all, and the page of each function.
"""

from collections.abc import Sequence

from sqlglot.tokens import Token, TokenType

from local_snowflake.errors import SnowflakeError, compilation_error, too_many_arguments
from local_snowflake.sql.statement import CLOSING, OPENING

_BY_COUNT = {
    0: """
    CUME_DIST CURRENT_ACCOUNT CURRENT_DATABASE CURRENT_DATE CURRENT_ROLE CURRENT_SCHEMA CURRENT_USER CURRENT_VERSION
    CURRENT_WAREHOUSE DENSE_RANK PERCENT_RANK PI RANK ROW_NUMBER SYSDATE
    """,
    1: """
    ABS ACOS ACOSH ANY_VALUE ARRAY_AGG ARRAY_COMPACT ARRAY_DISTINCT ARRAY_FLATTEN ARRAY_MAX ARRAY_MIN ARRAY_REVERSE
    ARRAY_SIZE ARRAY_UNION_AGG ARRAY_UNIQUE_AGG ASCII ASIN ASINH AS_ARRAY AS_BOOLEAN AS_CHAR AS_DOUBLE AS_INTEGER
    AS_OBJECT AS_REAL AS_VARCHAR ATAN ATANH AVG BITCOUNT BITNOT BIT_LENGTH BOOLAND_AGG BOOLNOT BOOLOR_AGG
    BOOLXOR_AGG CBRT CHECK_JSON CHR COS COSH COT COUNT_IF CURRENT_TIME CURRENT_TIMESTAMP DAY DAYNAME DAYOFMONTH
    DAYOFWEEK DAYOFWEEKISO DAYOFYEAR DEGREES EXP FACTORIAL FIRST_VALUE HEX_DECODE_BINARY HEX_DECODE_STRING HOUR
    IS_ARRAY IS_BOOLEAN IS_CHAR IS_DECIMAL IS_DOUBLE IS_INTEGER IS_NULL_VALUE IS_OBJECT IS_REAL IS_VARCHAR KURTOSIS
    LAST_VALUE LEN LENGTH LN LOWER MAX MD5 MD5_BINARY MD5_HEX MD5_NUMBER_LOWER64 MD5_NUMBER_UPPER64 MEDIAN MIN
    MINUTE MODE MONTH MONTHNAME NTILE NULLIFZERO OBJECT_KEYS OCTET_LENGTH PERCENTILE_CONT PERCENTILE_DISC QUARTER
    RADIANS RANDOM RATIO_TO_REPORT REVERSE RTRIMMED_LENGTH SECOND SHA1 SHA1_BINARY SHA1_HEX SIGN SIN SINH SKEW
    SOUNDEX SPACE SQRT SQUARE STDDEV STDDEV_POP STDDEV_SAMP STRIP_NULL_VALUE SUM TAN TANH TO_ARRAY TO_BOOLEAN
    TO_JSON TO_OBJECT TO_VARIANT TRY_HEX_DECODE_BINARY TRY_HEX_DECODE_STRING TRY_TO_BOOLEAN TYPEOF UNICODE UPPER
    VARIANCE VAR_POP VAR_SAMP WEEK WEEKISO WEEKOFYEAR YEAR YEAROFWEEK YEAROFWEEKISO ZEROIFNULL
    """,
    2: """
    ADD_MONTHS APPROX_PERCENTILE ARRAYS_OVERLAP ARRAYS_TO_OBJECT ARRAY_APPEND ARRAY_CAT ARRAY_CONTAINS ARRAY_EXCEPT
    ARRAY_INTERSECTION ARRAY_POSITION ARRAY_PREPEND ARRAY_REMOVE ARRAY_REMOVE_AT ARRAY_TO_STRING ATAN2
    BASE64_DECODE_BINARY BASE64_DECODE_STRING CEIL CONTAINS CORR COVAR_POP COVAR_SAMP DATE DATE_PART DATE_TRUNC DIV0
    DIV0NULL ENDSWITH EQUAL_NULL FLOOR GET GETBIT GET_IGNORE_CASE GET_PATH HEX_ENCODE IFNULL INITCAP
    JAROWINKLER_SIMILARITY LAST_DAY LEFT LISTAGG LOG LTRIM MOD MONTHS_BETWEEN NEXT_DAY NTH_VALUE NULLIF NVL
    OBJECT_AGG PARSE_JSON PARSE_URL POW POWER PREVIOUS_DAY RANDSTR REPEAT RIGHT RTRIM SHA2 SHA2_BINARY SHA2_HEX
    SPLIT STARTSWITH STRTOK_TO_ARRAY TO_BINARY TO_CHAR TO_DATE TO_DOUBLE TO_TIME TO_TIMESTAMP TO_TIMESTAMP_LTZ
    TO_TIMESTAMP_NTZ TO_TIMESTAMP_TZ TO_VARCHAR TRIM TRUNC TRUNCATE TRY_BASE64_DECODE_BINARY
    TRY_BASE64_DECODE_STRING TRY_PARSE_JSON TRY_TO_BINARY TRY_TO_DATE TRY_TO_DOUBLE TRY_TO_TIME TRY_TO_TIMESTAMP
    TRY_TO_TIMESTAMP_LTZ TRY_TO_TIMESTAMP_NTZ TRY_TO_TIMESTAMP_TZ UUID_STRING
    """,
    3: """
    ARRAY_GENERATE_RANGE ARRAY_INSERT ARRAY_SLICE ARRAY_SORT AS_DECIMAL AS_NUMBER BASE64_ENCODE BITAND BITOR
    BITSHIFTLEFT BITSHIFTRIGHT BITXOR CHARINDEX CONVERT_TIMEZONE DATEADD DATEDIFF DATEFROMPARTS DATE_FROM_PARTS
    EDITDISTANCE IFF LAG LEAD LPAD MAX_BY MIN_BY NORMAL NVL2 POSITION REGEXP_LIKE RLIKE ROUND RPAD SPLIT_PART STRTOK
    SUBSTR SUBSTRING TIMEADD TIMEDIFF TIMESTAMPADD TIMESTAMPDIFF TRANSLATE UNIFORM
    """,
    4: """
    HAVERSINE OBJECT_INSERT REGEXP_COUNT TIME_FROM_PARTS TIME_SLICE TO_DECIMAL TO_NUMBER TO_NUMERIC TRY_TO_DECIMAL
    TRY_TO_NUMBER TRY_TO_NUMERIC WIDTH_BUCKET
    """,
    6: "REGEXP_REPLACE REGEXP_SUBSTR",
    7: "REGEXP_INSTR",
}
_MOST = {name: count for count, names in _BY_COUNT.items() for name in names.split()}
# behind these words a name is that of an object or of a column, and brackets hold names
_OF_NAMES = {"INTO", "TABLE", "VIEW", "FUNCTION", "PROCEDURE", "EXISTS", "WITH", "UPDATE"}


# as the error of an account names it
_MOST_IN_A_LIST = 200_000


def check_lists(tokens: Sequence[Token]) -> None:
    """Raise 001795 for brackets or VALUES that list more than 200,000 expressions."""
    if len(tokens) <= _MOST_IN_A_LIST:
        return
    # the commas of each open bracket; rows of VALUES are listed by those of the bracket around it
    counts = [0]
    for token in tokens:
        if token.token_type in OPENING:
            counts.append(0)
        elif token.token_type in CLOSING and len(counts) > 1:
            counts.pop()
        elif token.token_type == TokenType.COMMA:
            counts[-1] += 1
        if counts[-1] >= _MOST_IN_A_LIST:
            text = f"maximum number of expressions in a list exceeded, expected at most {_MOST_IN_A_LIST:,}"
            raise compilation_error(text, 1795, "42601")


def check_counts(tokens: Sequence[Token], sql: str) -> None:
    """Raise 000939 for the first call that has more arguments than its function takes."""
    calls = {}
    for place, token in enumerate(tokens[:-1]):
        if tokens[place + 1].token_type != TokenType.L_PAREN or (most := _MOST.get(token.text.upper())) is None:
            continue
        before = tokens[place - 1] if place else None
        if token.token_type in {TokenType.STRING, TokenType.IDENTIFIER} or (
            before is not None and (before.token_type == TokenType.DOT or before.text.upper() in _OF_NAMES)
        ):
            continue
        calls[place + 1] = most
    ends = _ends(tokens) if calls else {}
    for opening, most in calls.items():
        if (found := ends.get(opening)) and (error := _error(tokens, opening - 1, most, found, sql)):
            raise error


def _error(tokens: Sequence[Token], place: int, most: int, ends: list[int], sql: str) -> SnowflakeError | None:
    # the names of a common table expression's columns
    is_cte = len(tokens) > ends[-1] + 1 and tokens[ends[-1] + 1].text.upper() == "AS"
    count = len(ends) if ends[0] > place + 2 else 0
    if count <= most or (is_cte and tokens[min(ends[-1] + 2, len(tokens) - 1)].token_type == TokenType.L_PAREN):
        return None
    starts = [place + 2, *(end + 1 for end in ends)]
    texts = [sql[tokens[first].start : tokens[end - 1].end + 1] for first, end in zip(starts, ends, strict=False)]
    return too_many_arguments(f"{tokens[place].text.upper()}({', '.join(texts)})", (most, count))


def _ends(tokens: Sequence[Token]) -> dict[int, list[int]]:
    """The places of the commas between a bracket's items and of the closing one, by the place of the opening one."""
    found: dict[int, list[int]] = {}
    around: list[tuple[int, list[int]]] = []
    for place, token in enumerate(tokens):
        if token.token_type in OPENING:
            around.append((place, []))
        elif around and token.token_type == TokenType.COMMA:
            around[-1][1].append(place)
        elif around and token.token_type in CLOSING:
            opening, commas = around.pop()
            found[opening] = [*commas, place]
    return found
