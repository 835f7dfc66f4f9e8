-- Tests that persons did and wrote down.
SELECT TEST, RESULT, DOCUMENT, DONE_BY, DONE_AT
FROM {{ identifier(database, 'OPS', 'TESTS_BY_HAND') }}
ORDER BY DONE_AT
