-- The same checks with the same outcome are recorded once.
INSERT INTO {{ identifier(database, 'OPS', 'LEAKAGE_CHECKS') }}
    (CHECK_ID, TRAINING_SET, CHECK_NAME, FEATURE, VALUE, BOUND, PASSED, REASON, CHECKED_AT)
SELECT {{ check_id|literal }}, {{ fingerprint|literal }}, COLUMN1, COLUMN2, COLUMN3, COLUMN4, COLUMN5, COLUMN6, SYSDATE()
FROM VALUES
    {% for check in checks %}
    ({{ check.name|literal }}, {{ check.feature|literal }}, {{ check.value|literal }}::FLOAT,
     {{ check.bound|literal }}::FLOAT, {{ check.passed|literal }}, {{ check.reason|literal }}){{ "," if not loop.last }}
    {% endfor %}
WHERE NOT EXISTS (
    SELECT 1 FROM {{ identifier(database, 'OPS', 'LEAKAGE_CHECKS') }} AS K WHERE K.CHECK_ID = {{ check_id|literal }}
)
