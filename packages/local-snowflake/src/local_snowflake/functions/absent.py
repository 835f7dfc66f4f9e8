"""Functions and types that Snowflake has and the local Snowflake has not: they are refused by name.

A stored VARIANT is JSON here, which holds neither binaries nor dates (``sql.columns.variants`` answers for one that the
statement makes); XML, states of approximations, encryption and positions on earth are left out.
"""

from sqlglot import exp

from local_snowflake.errors import SnowflakeError, not_supported

_NAMES = """
ALL_USER_NAMES APPROX_TOP_K_ACCUMULATE APPROX_TOP_K_COMBINE APPROX_TOP_K_ESTIMATE AS_BINARY AS_DATE AS_TIME
AS_TIMESTAMP_LTZ AS_TIMESTAMP_NTZ AS_TIMESTAMP_TZ BITMAP_COUNT BITMAP_OR_AGG CHECK_XML COLLATION COMPRESS
CURRENT_IP_ADDRESS CURRENT_ROLE_TYPE CURRENT_STATEMENT DECOMPRESS_BINARY DECOMPRESS_STRING DECRYPT DECRYPT_RAW ENCRYPT
ENCRYPT_RAW HLL_ACCUMULATE HLL_COMBINE HLL_ESTIMATE HLL_EXPORT HLL_IMPORT INVOKER_ROLE INVOKER_SHARE IS_BINARY IS_DATE
IS_DATE_VALUE IS_TIME IS_TIMESTAMP_LTZ IS_TIMESTAMP_NTZ IS_TIMESTAMP_TZ LAST_TRANSACTION PARSE_IP PARSE_XML SEARCH
SEARCH_IP SOUNDEX_P123 TO_DECFLOAT TO_GEOGRAPHY TO_GEOMETRY TO_XML TRY_TO_DECFLOAT XMLGET
"""
FUNCTIONS = frozenset(_NAMES.split())
_TYPES = {exp.DType.GEOGRAPHY, exp.DType.GEOMETRY, exp.DType.VECTOR, exp.DType.DECFLOAT, exp.DType.FILE, exp.DType.XML}


def absent(tree: exp.Expr) -> SnowflakeError | None:
    """The error 000002 about the first of them in a tree."""
    for node in tree.find_all(exp.Func, exp.DataType):
        if isinstance(node, exp.DataType):
            if node.this in _TYPES:
                return not_supported(f"the type {node.this.value}")
        elif isinstance(node, exp.Func):
            name = str(node.name).upper() if isinstance(node, exp.Anonymous) else node.sql_name()
            if name in FUNCTIONS:
                return not_supported(f"the function {name}")
    return None
