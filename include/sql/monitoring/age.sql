-- How many seconds ago the training set of a version was built; NULL if it is not known.
SELECT DATEDIFF('second', MIN(CREATED_AT), SYSDATE()) AS AGE
FROM {{ identifier(database, 'OPS', 'TRAINING_SETS') }}
WHERE FINGERPRINT = {{ fingerprint|literal }}
