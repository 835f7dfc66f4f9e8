INSERT INTO {{ identifier(database, 'SERVING', 'REQUEUED') }} ({{ key|identifiers }}, RUN_ID, REQUEUED_AT)
SELECT {{ key|identifiers }}, RUN_ID, SYSDATE()
FROM {{ identifier(database, 'SERVING', 'SCORED') }}
WHERE RUN_ID = {{ run_id|literal }}
