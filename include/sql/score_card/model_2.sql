-- Versions whose served scores were measured; one alone shows no correlation: a person compares.
SELECT
    IFF(COUNT(DISTINCT MODEL_VERSION) > 2, COUNT(*), 0) AS RAN, COUNT(*) AS BY_HAND,
    'served scores of ' || COUNT(DISTINCT MODEL_VERSION) || ' versions were measured on labels that came later, last: ' || MAX_BY(REASON, DONE_AT) AS FOUND
FROM {{ identifier(database, 'OPS', 'REHEARSALS') }}
WHERE NAME = 'SERVED_SCORES_MEASURED' AND VALUE IS NOT NULL
