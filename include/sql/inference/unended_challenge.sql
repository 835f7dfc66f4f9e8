-- The last run that began with this challenger, since it was named, and never came to its end.
SELECT RUN_ID
FROM {{ identifier(database, 'OPS', 'CHALLENGES') }}
WHERE CHALLENGER = '<<challenger>>' AND ROWS_SCORED IS NULL AND RUN_ID <> '<<run_id>>' AND NOTED_AT > (
    SELECT COALESCE(MAX(DONE_AT), '1970-01-01'::TIMESTAMP_NTZ)
    FROM {{ identifier(database, 'OPS', 'LEDGER') }}
    WHERE ACTION = 'challenge' AND TO_VERSION = '<<challenger>>'
)
ORDER BY NOTED_AT DESC
LIMIT 1
