INSERT INTO {{ identifier(database, 'FEATURES', 'SET_ASIDE') }}
    ({{ columns|identifiers }}, REASON, SOURCE, TRAINING_SET, SET_ASIDE_AT)
WITH CHECKED AS (
{{ checked }}
)
SELECT {{ columns|identifiers }}, SNOWLOOP_REASON, {{ source|literal }}, {{ fingerprint|literal }}, SYSDATE()
FROM CHECKED
WHERE SNOWLOOP_REASON IS NOT NULL
