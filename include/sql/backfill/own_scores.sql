{# Scores of the loop's own rows, each scored once; a backfill scores them again. #}
SELECT {{ key|identifiers }} FROM {{ identifier(database, 'SERVING', 'SCORED') }}
WHERE RUN_ID NOT IN (SELECT RUN_ID FROM {{ identifier(database, 'OPS', 'RUNS') }} WHERE KIND = 'backfill')
