COPY INTO {{ identifier(database, 'RAW', source.table) }}
FROM {{ ('@' ~ identifier(database, 'RAW', 'LANDING') ~ '/' ~ source.table|lower) }}
FILES = ({{ file|literal }})
FILE_FORMAT = (
    TYPE = CSV
    COMPRESSION = GZIP
    FIELD_DELIMITER = {{ source.delimiter|literal }}
    SKIP_HEADER = {{ 1 if source.header else 0 }}
    FIELD_OPTIONALLY_ENCLOSED_BY = '"'
    NULL_IF = ({% for value in source.null_values %}{{ value|literal }}{{ ", " if not loop.last }}{% endfor %})
    EMPTY_FIELD_AS_NULL = TRUE
)
ON_ERROR = CONTINUE
