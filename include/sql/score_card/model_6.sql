-- Verdicts that judged slices; slices that are told alone leave the judgement to a person.
SELECT
    COUNT(DISTINCT V.VERDICT_ID) AS RAN, COUNT(E.EVALUATION_ID) AS BY_HAND,
    COUNT(DISTINCT E.SLICE) || ' parts of the rows measured by themselves, bounds judged in '
        || COUNT(DISTINCT V.VERDICT_ID) || ' verdicts' AS FOUND
FROM {{ identifier(database, 'OPS', 'EVALUATIONS') }} AS E
LEFT JOIN {{ identifier(database, 'OPS', 'VERDICTS') }} AS V
    ON V.EVALUATION_ID = E.EVALUATION_ID AND V.CHECK_NAME = 'SLICES' AND V.VALUE IS NOT NULL
WHERE E.SLICE LIKE '%: %' AND E.SLICE NOT LIKE 'class %' AND E.NAME <> 'importance'
