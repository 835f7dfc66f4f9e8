{# By name: a column that was added later stands last in the table, wherever it is in the file. #}
COPY INTO {{ identifier(database, 'RAW', source.table) }} ({{ source.columns|identifiers }})
FROM {{ ('@' ~ identifier(database, 'RAW', 'LANDING') ~ '/' ~ source.table|lower) }}
FILES = ({{ file|literal }})
FILE_FORMAT = (
    TYPE = CSV
    COMPRESSION = GZIP
    ENCODING = 'UTF8' -- of the staged file, whatever that of the original is
    FIELD_DELIMITER = {{ source.delimiter|literal }}
    SKIP_HEADER = {{ 1 if source.header else 0 }}
    FIELD_OPTIONALLY_ENCLOSED_BY = '"'
    ESCAPE_UNENCLOSED_FIELD = NONE -- by default a backslash would take the delimiter or the line end after it for data
    NULL_IF = ({% for value in source.null_values %}{{ value|literal }}{{ ", " if not loop.last }}{% endfor %})
    EMPTY_FIELD_AS_NULL = TRUE
)
ON_ERROR = CONTINUE
