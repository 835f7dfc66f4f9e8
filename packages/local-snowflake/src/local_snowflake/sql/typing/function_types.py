"""The types of what functions give, whatever their arguments are.

Source: https://docs.snowflake.com/en/sql-reference/functions-all
"""

from sqlglot import exp

from local_snowflake.sql.types import SfType
from local_snowflake.sql.typing.value_types import (
    ARRAY,
    BINARY,
    BOOLEAN,
    DATE,
    FLOAT,
    LTZ,
    NTZ,
    OBJECT,
    TEXT,
    TIME,
    TZ,
    VARIANT,
    WHOLE,
    number,
)

_FLOATS = (
    *(exp.Sqrt, exp.Cbrt, exp.Exp, exp.Ln, exp.Log, exp.Pow, exp.ToDouble, exp.Stddev, exp.StddevPop, exp.StddevSamp),
    *(exp.Corr, exp.CovarPop, exp.CovarSamp, exp.Kurtosis, exp.Skewness, exp.Pi),
    *(exp.Sin, exp.Cos, exp.Tan, exp.Asin, exp.Acos, exp.Atan, exp.Atan2, exp.Degrees, exp.Radians, exp.ApproxQuantile),
    *(exp.Sinh, exp.Cosh, exp.Tanh, exp.Cot, exp.RegrIntercept, exp.RegrR2, exp.RegrSlope, exp.PercentRank),
    *(exp.CumeDist, exp.RegrValx, exp.RegrValy, exp.RegrAvgx, exp.RegrAvgy, exp.Normal),
)
_WHOLES = (
    *(exp.Count, exp.CountIf, exp.RowNumber, exp.Rank, exp.DenseRank, exp.Ntile, exp.Length, exp.StrPosition),
    *(exp.Year, exp.Month, exp.Day, exp.Hour, exp.Minute, exp.Second, exp.Quarter, exp.Week, exp.DayOfWeek),
    *(exp.DayOfYear, exp.DayOfMonth, exp.DateDiff, exp.Extract, exp.ApproxDistinct, exp.ArraySize, exp.Sign, exp.Ascii),
    *(exp.RegexpCount, exp.RegexpInstr, exp.Levenshtein, exp.JarowinklerSimilarity, exp.ByteLength, exp.BitLength),
    *(exp.DayOfWeekIso, exp.WeekOfYear, exp.YearOfWeek, exp.YearOfWeekIso, exp.ArrayPosition, exp.Unicode, exp.Hll),
    *(exp.Grouping, exp.GroupingId, exp.Getbit, exp.RegrCount, exp.WidthBucket, exp.Seq1, exp.Seq2, exp.Seq4, exp.Seq8),
)
_LONG = (
    *(exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseXor, exp.BitwiseNot, exp.BitwiseLeftShift, exp.BitwiseRightShift),
    *(exp.BitwiseAndAgg, exp.BitwiseOrAgg, exp.BitwiseXorAgg, exp.Factorial, exp.MD5NumberLower64),
    *(exp.MD5NumberUpper64, exp.HashAgg, exp.Rand),
)
_TEXTS = (
    *(exp.Upper, exp.Lower, exp.Trim, exp.Substring, exp.Left, exp.Right, exp.Concat, exp.ConcatWs, exp.DPipe, exp.Pad),
    *(exp.Replace, exp.Reverse, exp.Repeat, exp.SplitPart, exp.MD5, exp.SHA, exp.SHA2, exp.Initcap, exp.ToChar),
    *(exp.RegexpReplace, exp.RegexpExtract, exp.GroupConcat, exp.Chr, exp.Translate, exp.JSONExtractScalar, exp.Space),
    *(exp.Typeof, exp.JSONFormat, exp.Strtok, exp.Monthname, exp.Dayname, exp.ArrayToString, exp.Base64DecodeString),
    *(exp.Base64Encode, exp.CheckJson, exp.CurrentSchema, exp.Hex, exp.HexDecodeString, exp.RawString, exp.Soundex),
    *(exp.Stuff, exp.TimeToStr, exp.TryBase64DecodeString, exp.TryHexDecodeString, exp.Uuid, exp.Randstr),
    *(exp.CurrentUser, exp.CurrentDatabase, exp.CurrentRole, exp.CurrentWarehouse, exp.CurrentVersion),
)
_BINARIES = (
    *(exp.ToBinary, exp.TryBase64DecodeBinary, exp.TryHexDecodeBinary, exp.Unhex, exp.MD5Digest, exp.SHA2Digest),
    exp.HexString,
)
_VARIANTS = (
    *(exp.JSONExtract, exp.Bracket, exp.ParseJSON, exp.ToVariant, exp.ArrayMax, exp.ArrayMin, exp.Dot, exp.GetExtract),
)
_ARRAYS = (
    *(exp.Array, exp.ToArray, exp.ArrayAgg, exp.ArrayAppend, exp.ArrayConcat, exp.ArraySlice, exp.ArrayInsert),
    *(exp.ArrayPrepend, exp.ArrayCompact, exp.ArrayDistinct, exp.ArrayExcept, exp.ArrayIntersect, exp.ArrayRemove),
    *(exp.ArrayRemoveAt, exp.ArrayReverse, exp.SortArray, exp.ArrayConstructCompact, exp.Flatten, exp.JSONKeys),
    *(exp.Split, exp.StrtokToArray, exp.ArrayFilter, exp.Transform, exp.GenerateSeries, exp.RegexpExtractAll),
    *(exp.ArraysZip, exp.ArrayUnionAgg, exp.ArrayUniqueAgg, exp.ApproxTopK),
)
_OBJECTS = (exp.Struct, exp.ObjectAgg, exp.ObjectInsert, exp.JSONObject, exp.StarMap)
_BOOLEANS = (
    *(exp.Boolean, exp.Booland, exp.Boolnot, exp.Boolor, exp.BoolxorAgg, exp.EqualNull, exp.Escape, exp.IsArray),
    *(exp.IsNullValue, exp.LogicalAnd, exp.LogicalOr, exp.ToBoolean),
)
_BOOLEAN_KINDS = (exp.Predicate, exp.Connector, exp.Not, exp.StartsWith, exp.EndsWith, exp.Contains, exp.RegexpLike)
_DATES = (exp.CurrentDate, exp.TsOrDsToDate, exp.LastDay, exp.DateFromParts, exp.NextDay, exp.PreviousDay)

_BY_CLASS: dict[type[exp.Expr], SfType] = {
    **dict.fromkeys(_FLOATS, FLOAT),
    **dict.fromkeys(_WHOLES, WHOLE),
    **dict.fromkeys(_LONG, number(0)),
    **dict.fromkeys(_TEXTS, TEXT),
    **dict.fromkeys(_BINARIES, BINARY),
    **dict.fromkeys(_VARIANTS, VARIANT),
    **dict.fromkeys(_ARRAYS, ARRAY),
    **dict.fromkeys(_OBJECTS, OBJECT),
    **dict.fromkeys(_BOOLEANS, BOOLEAN),
    **dict.fromkeys(_DATES, DATE),
    **dict.fromkeys((exp.TimeFromParts, exp.TsOrDsToTime, exp.Localtime), TIME),
    exp.CurrentTimestamp: LTZ,
    exp.UtcTimestamp: NTZ,
    exp.TimestampLtzFromParts: LTZ,
    exp.TimestampTzFromParts: TZ,
}
_BY_NAME = {
    **dict.fromkeys(("TO_JSON", "JSON_ARRAY", "GET_IGNORE_CASE"), VARIANT),
    **dict.fromkeys(("TO_TIMESTAMP", "TO_TIMESTAMP_NTZ", "TRY_TO_TIMESTAMP", "TRY_TO_TIMESTAMP_NTZ"), NTZ),
    **dict.fromkeys(("TO_TIMESTAMP_LTZ", "TRY_TO_TIMESTAMP_LTZ", "INSTANT_OF_ZONED", "TIMESTAMP_LTZ_OF"), LTZ),
    **dict.fromkeys(("TO_TIMESTAMP_TZ", "TRY_TO_TIMESTAMP_TZ", "TIMESTAMP_TZ_OF"), TZ),
    **dict.fromkeys(("ZONED_AT_OFFSET", "ZONED_OF_CLOCK", "ZONED_OF_INSTANT", "ZONED_OF_TEXT"), TZ),
    "CLOCK_OF_ZONED": NTZ,
    **dict.fromkeys(("TEXT_OF", "TEXT_OF_ZONED", "AS_VARCHAR", "AS_CHAR", "TYPE_OF", "DIGITS_OF", "TRUTH_OF"), TEXT),
    "SYS_CONNECT_BY_PATH": TEXT,
    **dict.fromkeys(("AS_ARRAY", "ARRAY_UNIQUE_AGG"), ARRAY),
    **dict.fromkeys(("TO_OBJECT", "AS_OBJECT", "ARRAYS_TO_OBJECT", "OBJECT_DELETE", "OBJECT_PICK"), OBJECT),
    **dict.fromkeys(
        ("IS_INTEGER", "IS_OBJECT", "IS_VARCHAR", "IS_BOOLEAN", "IS_DECIMAL", "IS_DOUBLE", "IS_REAL"), BOOLEAN
    ),
    "AS_DATE": DATE,
    "AS_TIME": TIME,
    "AS_TIMESTAMP_NTZ": NTZ,
    "AS_TIMESTAMP_LTZ": LTZ,
    "AS_TIMESTAMP_TZ": TZ,
    "AS_BINARY": BINARY,
    **dict.fromkeys(("TO_DATE", "TRY_TO_DATE"), DATE),
    **dict.fromkeys(("AS_INTEGER", "BITCOUNT", "HASH"), number(0)),
    **dict.fromkeys(("CONDITIONAL_CHANGE_EVENT", "CONDITIONAL_TRUE_EVENT"), WHOLE),
    **dict.fromkeys(("AS_DOUBLE", "HAVERSINE"), FLOAT),
    "AS_BOOLEAN": BOOLEAN,
}


def of_function(node: exp.Expr) -> SfType | None:
    """The type of a function's or an operator's result that depends on no argument; None for any other node."""
    if isinstance(node, exp.Anonymous):
        return _BY_NAME.get(node.name.upper())
    if kind := _BY_CLASS.get(type(node)):
        return kind
    return BOOLEAN if isinstance(node, _BOOLEAN_KINDS) else None
