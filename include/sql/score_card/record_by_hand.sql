INSERT INTO {{ identifier(database, 'OPS', 'TESTS_BY_HAND') }} (TEST, RESULT, DOCUMENT, DONE_BY, DONE_AT)
SELECT {{ test|literal }}, {{ result|literal }}, {{ document|literal }}, CURRENT_USER(), SYSDATE()
