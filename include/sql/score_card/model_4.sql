-- Evaluations in which an older champion was measured on rows of a later training set.
SELECT
    COUNT(DISTINCT D.EVALUATION_ID) AS RAN, 0 AS BY_HAND,
    'an older champion measured on the rows of a later training set in ' || COUNT(DISTINCT D.EVALUATION_ID)
        || ' evaluations' AS FOUND
FROM {{ identifier(database, 'OPS', 'EVALUATION_DETAILS') }} AS D
JOIN {{ identifier(database, 'OPS', 'EVALUATIONS') }} AS E ON E.EVALUATION_ID = D.EVALUATION_ID
JOIN {{ identifier(database, 'OPS', 'EVALUATIONS') }} AS O ON O.MODEL_VERSION = D.DETAILS:champion::VARCHAR
WHERE D.DETAILS:same_rows::BOOLEAN AND O.TRAINING_SET <> E.TRAINING_SET
