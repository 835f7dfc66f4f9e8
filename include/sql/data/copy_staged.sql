-- Files on a stage, into RAW.

-- name: copy
COPY INTO {{ identifier(database, 'RAW', table) }}{{ " (" ~ listed|identifiers ~ ")" if listed }}
{% if not values %}
FROM {{ location }}
{% else %}
FROM (
    SELECT
        {% for value in values %}
        {{ value }}{{ "," if not loop.last }}
        {% endfor %}
    FROM {{ location }}
)
{% endif %}
{% if source.pattern %}
PATTERN = {{ source.pattern|literal }}
{% endif %}
FILE_FORMAT = (
    {% if source.format == "csv" %}
    TYPE = CSV
    COMPRESSION = AUTO
    ENCODING = {{ source.encoding|replace("-", "")|replace("_", "")|literal }}
    FIELD_DELIMITER = {{ source.delimiter|literal }}
    SKIP_HEADER = {{ 1 if source.header else 0 }}
    FIELD_OPTIONALLY_ENCLOSED_BY = '"'
    ESCAPE_UNENCLOSED_FIELD = NONE
    NULL_IF = ({% for value in source.null_values %}{{ value|literal }}{{ ", " if not loop.last }}{% endfor %})
    EMPTY_FIELD_AS_NULL = TRUE
    {% elif source.format == "json" %}
    TYPE = JSON
    COMPRESSION = AUTO
    {% else %}
    TYPE = PARQUET
    {% endif %}
)
ON_ERROR = CONTINUE

-- name: keep_rejected_csv
-- A line that is wrong in several places is kept once, with the first.
INSERT INTO {{ identifier(database, 'RAW', 'REJECTED_LINES') }}
    (SOURCE, FILE, LINE, COLUMN_NAME, REASON, RECORD, REJECTED_AT)
SELECT {{ table|bind }}, {{ file|bind }}, V.LINE, V.COLUMN_NAME, V.ERROR, V.REJECTED_RECORD, SYSDATE()
FROM TABLE(VALIDATE({{ identifier(database, 'RAW', table) }}, JOB_ID => {{ query_id|literal }})) AS V
WHERE V.FILE = {{ file|bind }}
QUALIFY ROW_NUMBER() OVER (PARTITION BY V.LINE ORDER BY V.CHARACTER) = 1

-- name: keep_rejected_records
-- VALIDATE does not list what a COPY with a query rejects, so the file is read again: JSON as lines of text, because a record may be none.
INSERT INTO {{ identifier(database, 'RAW', 'REJECTED_LINES') }}
    (SOURCE, FILE, LINE, COLUMN_NAME, REASON, RECORD, REJECTED_AT)
SELECT {{ table|bind }}, {{ file|bind }}, F.LINE,
    CASE
        {% for each in conversions %}
        WHEN {{ each.fails }} THEN {{ each.column|literal }}
        {% endfor %}
    END,
    CASE
        WHEN F.R IS NULL THEN 'the line is no JSON'
        {% for each in conversions %}
        WHEN {{ each.fails }} THEN {{ each.reason }}
        {% endfor %}
    END,
    F.RECORD, SYSDATE()
FROM (
    SELECT
        METADATA$FILE_ROW_NUMBER AS LINE,
        {{ "TRY_PARSE_JSON($1)" if source.format == "json" else "$1" }} AS R,
        $1::VARCHAR AS RECORD
    FROM {{ location }} (FILE_FORMAT => {{ identifier(database, 'RAW', 'LINES' if source.format == "json" else 'PARQUET_FILES')|literal }}, PATTERN => {{ only|literal }})
    WHERE ENDSWITH({{ file|bind }}, METADATA$FILENAME)
) AS F
WHERE F.R IS NULL AND TRIM(F.RECORD) <> ''
{% for each in conversions %}
    OR ({{ each.fails }})
{% endfor %}
