INSERT INTO {{ identifier(database, 'OPS', 'CONTRACT_CHECKS') }}
    (CHECK_RUN, SOURCE, CHECK_NAME, VALUE, BOUND, PASSED, REASON, CHECKED_AT)
SELECT {{ check_run|literal }}, V.*, SYSDATE()
FROM (
    {% for check in checks %}
    SELECT
        {{ check.source|literal }} AS SOURCE, {{ check.name|literal }} AS CHECK_NAME, {{ check.value|literal }}::FLOAT AS VALUE,
        {{ check.bound }}::FLOAT AS BOUND, {{ check.passed|literal }} AS PASSED, {{ check.reason|literal }} AS REASON
    {{ "UNION ALL" if not loop.last }}
    {% endfor %}
) AS V
