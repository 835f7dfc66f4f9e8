-- name: loaded_files
SELECT FILE, ROWS_READ, ROWS_LOADED, ROWS_REJECTED, QUERY_ID
FROM {{ identifier(database, 'OPS', 'LOADS') }}
WHERE SOURCE = {{ table|bind }}

-- name: record_load
INSERT INTO {{ identifier(database, 'OPS', 'LOADS') }}
    (SOURCE, FILE, MD5, ROWS_READ, ROWS_LOADED, ROWS_REJECTED, QUERY_ID, LOADED_AT)
SELECT
    {{ table|bind }}, {{ file|bind }}, {{ md5|bind }}, {{ read|bind }}, {{ loaded|bind }}, {{ rejected|bind }},
    {{ query_id|bind }}, SYSDATE()

-- name: rejected_count
SELECT COUNT(*) AS N
FROM {{ identifier(database, 'RAW', 'REJECTED_LINES') }}
WHERE SOURCE = {{ table|bind }} AND FILE = {{ file|bind }}

-- name: keep_rejected
-- What COPY left out, with its reason. A line that is wrong in several places is kept once, with the first.
INSERT INTO {{ identifier(database, 'RAW', 'REJECTED_LINES') }}
    (SOURCE, FILE, LINE, COLUMN_NAME, REASON, RECORD, REJECTED_AT)
SELECT {{ table|bind }}, {{ file|bind }}, V.LINE, V.COLUMN_NAME, V.ERROR, V.REJECTED_RECORD, SYSDATE()
FROM TABLE(VALIDATE({{ identifier(database, 'RAW', table) }}, JOB_ID => {{ query_id|literal }})) AS V
QUALIFY ROW_NUMBER() OVER (PARTITION BY V.LINE ORDER BY V.CHARACTER) = 1

-- name: keep_malformed
-- Records that are no CSV, and so were never given to COPY.
INSERT INTO {{ identifier(database, 'RAW', 'REJECTED_LINES') }} (SOURCE, FILE, LINE, REASON, RECORD, REJECTED_AT)
SELECT {{ table|bind }}, {{ file|bind }}, COLUMN1, COLUMN2, COLUMN3, SYSDATE()
FROM VALUES
    {% for record in malformed %}
    ({{ record.line|bind }}, {{ record.error|bind }}, {{ record.text|bind }}){{ "," if not loop.last }}
    {% endfor %}

-- name: contract_counts
-- One row: the number of rows, and for each check of the contract the number of rows that fail it.
SELECT
    COUNT(*) AS N,
    {% for count in counts %}
    {{ count }} AS {{ ("C_" ~ loop.index)|identifier }}{{ "," if not loop.last }}
    {% endfor %}
FROM {{ table }} AS S

-- name: age_of_newest_row
-- How many seconds ago the newest row of a source was, by its own moment or by its load; NULL if there is none.
{% if moment %}
SELECT DATEDIFF('second', MAX({{ moment }}), SYSDATE()) AS AGE FROM {{ table }}
{% else %}
SELECT DATEDIFF('second', MAX(LOADED_AT), SYSDATE()) AS AGE
FROM {{ identifier(database, 'OPS', 'LOADS') }}
WHERE SOURCE = {{ source|bind }}
{% endif %}
