-- What COPY left out, with its reason. A line that is wrong in several places is kept once, with the first.
INSERT INTO {{ identifier(database, 'RAW', 'REJECTED_LINES') }}
    (SOURCE, FILE, LINE, COLUMN_NAME, REASON, RECORD, REJECTED_AT)
SELECT {{ table|literal }}, {{ file|literal }}, V.LINE, V.COLUMN_NAME, V.ERROR, V.REJECTED_RECORD, SYSDATE()
FROM TABLE(VALIDATE({{ identifier(database, 'RAW', table) }}, JOB_ID => {{ query_id|literal }})) AS V
QUALIFY ROW_NUMBER() OVER (PARTITION BY V.LINE ORDER BY V.CHARACTER) = 1
