"""File formats: the options of CSV, JSON, Avro, Parquet and ORC files, checked, with Snowflake's defaults."""

import re
from dataclasses import dataclass, field
from typing import Any

from local_snowflake.catalog.objects import FILE_FORMAT, FileFormatProps, Object, Stage
from local_snowflake.errors import compilation_error, does_not_exist, not_supported
from local_snowflake.execution import objects
from local_snowflake.execution.context import Context
from local_snowflake.sql.names import split_parts
from local_snowflake.stages.options import Options, Value, is_true

# https://docs.snowflake.com/en/sql-reference/sql/create-file-format#format-type-options-formattypeoptions
_COMMON: dict[str, str | list[str]] = {
    "FILE_EXTENSION": "",
    **dict.fromkeys(("DATE_FORMAT", "TIME_FORMAT", "TIMESTAMP_FORMAT"), "AUTO"),
    "BINARY_FORMAT": "HEX",
    "TRIM_SPACE": "false",
    "COMPRESSION": "AUTO",
    "MULTI_LINE": "true",
    "REPLACE_INVALID_CHARACTERS": "false",
    "SKIP_BYTE_ORDER_MARK": "true",
}
DEFAULTS: dict[str, dict[str, str | list[str]]] = {
    "CSV": {
        "RECORD_DELIMITER": "\n",
        "FIELD_DELIMITER": ",",
        "SKIP_HEADER": "0",
        "PARSE_HEADER": "false",
        **_COMMON,
        "ESCAPE": "NONE",
        "ESCAPE_UNENCLOSED_FIELD": "\\",
        "FIELD_OPTIONALLY_ENCLOSED_BY": "NONE",
        "NULL_IF": ["\\N"],
        "ERROR_ON_COLUMN_COUNT_MISMATCH": "true",
        "VALIDATE_UTF8": "true",
        "SKIP_BLANK_LINES": "false",
        "EMPTY_FIELD_AS_NULL": "true",
        "ENCODING": "UTF8",
    },
    "JSON": {
        "NULL_IF": [],
        **_COMMON,
        **dict.fromkeys(("ENABLE_OCTAL", "ALLOW_DUPLICATE", "STRIP_OUTER_ARRAY", "STRIP_NULL_VALUES"), "false"),
        "IGNORE_UTF8_ERRORS": "false",
    },
    "AVRO": {
        "COMPRESSION": "AUTO",
        **dict.fromkeys(("TRIM_SPACE", "REPLACE_INVALID_CHARACTERS"), "false"),
        "NULL_IF": [],
    },
    "PARQUET": {
        "COMPRESSION": "AUTO",
        "BINARY_AS_TEXT": "true",
        **dict.fromkeys(("USE_LOGICAL_TYPE", "TRIM_SPACE", "USE_VECTORIZED_SCANNER"), "false"),
        "REPLACE_INVALID_CHARACTERS": "false",
        "SNAPPY_COMPRESSION": "true",
        "NULL_IF": [],
    },
    "ORC": {"TRIM_SPACE": "false", "REPLACE_INVALID_CHARACTERS": "false", "NULL_IF": []},
}
_BOOLEANS = {"true", "false"}
_CHARACTERS = {"FIELD_DELIMITER", "RECORD_DELIMITER", "ESCAPE", "ESCAPE_UNENCLOSED_FIELD"}
_CHARACTERS |= {"FIELD_OPTIONALLY_ENCLOSED_BY"}


@dataclass(frozen=True)
class FileFormat:
    """How files are to be read or written.

    Attributes:
        kind: CSV, JSON, AVRO, PARQUET or ORC.
        options: the options that are set, by name; the rest has Snowflake's defaults.
    """

    kind: str = "CSV"
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def is_columnar(self) -> bool:
        """Whether the files hold named columns of their own types."""
        return self.kind in {"PARQUET", "ORC"}

    @property
    def has_documents(self) -> bool:
        """Whether each record of the files is one document, a VARIANT."""
        return self.kind in {"JSON", "AVRO"}

    def text(self, key: str) -> str:
        """An option that is a text; NONE is empty."""
        value = str(self.options.get(key, DEFAULTS[self.kind].get(key, "")))
        return "" if value.upper() == "NONE" else value

    def flag(self, key: str) -> bool:
        """An option that is true or false."""
        return is_true(self.options.get(key, DEFAULTS[self.kind].get(key)))

    def number(self, key: str) -> int:
        """An option that is a number."""
        return int(str(self.options.get(key, DEFAULTS[self.kind].get(key, 0))))

    def null_if(self) -> list[str]:
        """The strings that mean NULL."""
        value = self.options.get("NULL_IF", DEFAULTS[self.kind]["NULL_IF"])
        return list(value) if isinstance(value, list) else [str(value)]


def checked_options(options: Options) -> dict[str, Any]:
    """Check the options of a format and normalise their values.

    Raises:
        SnowflakeError: 001003 for an option that the type does not have; 000002 for a type that is not supported.
    """
    if not options or "FORMAT_NAME" in options:
        return dict(options)
    kind = str(options.get("TYPE", "CSV")).upper()
    if kind not in DEFAULTS:
        raise not_supported(f"file format TYPE = {kind}")
    declared = {k: v for k, v in options.items() if k not in {"TYPE", "COMMENT"}}
    checked = {"TYPE": kind, **{key: _checked(kind, key, value) for key, value in declared.items()}}
    _check_csv(checked)
    return checked


def _checked(kind: str, key: str, value: Value) -> str | list[str]:
    default = DEFAULTS[kind].get(key)
    if default is None:
        raise compilation_error(f"invalid parameter '{key}' for a file format of type {kind}", 1423, "22023")
    if isinstance(default, list):
        return [str(v) for v in value] if isinstance(value, list) else [str(value)]
    if default in _BOOLEANS:
        return str(is_true(value)).lower()
    if not isinstance(value, str):
        raise compilation_error(f"invalid value for parameter '{key}'", 1008, "22023")
    return value.upper() if key in {"COMPRESSION", "BINARY_FORMAT"} else value


def _check_csv(options: dict[str, Any]) -> None:
    if not str(options.get("SKIP_HEADER", "0")).isdigit():
        raise compilation_error(f"invalid value [{options['SKIP_HEADER']}] for parameter 'SKIP_HEADER'", 1008, "22023")
    for key in _CHARACTERS & options.keys():
        # a delimiter may be spelled in hexadecimal: 0x1F
        if match := re.fullmatch(r"0x(.+)", options[key], re.I | re.S):
            options[key] = bytes.fromhex(match[1]).decode("latin-1")
    enclosure = options.get("FIELD_OPTIONALLY_ENCLOSED_BY", "NONE")
    if enclosure not in {'"', "'"} and enclosure.upper() != "NONE":
        text = f"invalid value ['{enclosure}'] for parameter 'FIELD_OPTIONALLY_ENCLOSED_BY'"
        raise compilation_error(text, 1008, "22023")
    if options.get("PARSE_HEADER") == "true" and int(options.get("SKIP_HEADER", "0")):
        text = "Invalid file format: PARSE_HEADER is only allowed when SKIP_HEADER is 0."
        raise compilation_error(text, 1008, "22023")


def find_format(ctx: Context, name: str) -> Object[FileFormatProps]:
    """The named file format.

    Raises:
        SnowflakeError: 002003, if it does not exist.
    """
    full = ctx.resolve(split_parts(name))
    file_format = objects.find(ctx, FILE_FORMAT, full)
    if file_format is None:
        raise does_not_exist("File format", name)
    return file_format


def effective_format(ctx: Context, own: Value | None, stage: Stage | None) -> FileFormat:
    """The format that a statement means: its own options or named format, else the stage's, else CSV."""
    options: Options = {"FORMAT_NAME": own} if isinstance(own, str) else dict(own) if isinstance(own, dict) else {}
    if not options and stage is not None:
        options = dict(stage.props.file_format)
    if name := options.pop("FORMAT_NAME", None):
        options = {**find_format(ctx, str(name)).props.options, **options}
    checked = checked_options(options)
    return FileFormat(checked.get("TYPE", "CSV"), checked)
