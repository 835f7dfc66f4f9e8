-- Slices that the declaration marks as a matter of inclusion; judged if they have a bound.
SELECT
    COUNT_IF(S.VALUE:bound::FLOAT IS NOT NULL) AS RAN, COUNT(*) AS BY_HAND,
    'measured for inclusion: ' || LISTAGG(DISTINCT S.VALUE:column::VARCHAR, ', ') AS FOUND
FROM {{ identifier(database, 'OPS', 'EVALUATION_DETAILS') }} AS D, LATERAL FLATTEN(INPUT => D.DETAILS:slices) AS S
WHERE S.VALUE:inclusion::BOOLEAN
