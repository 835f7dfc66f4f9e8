-- The checks of a training set are recorded once.
INSERT INTO {{ identifier(database, 'OPS', 'FEATURE_CHECKS') }} (
    TRAINING_SET, FEATURE, CHECK_NAME, VALUE, BOUND, PASSED, REASON, CHECKED_AT
)
SELECT {{ fingerprint|literal }}, COLUMN1, COLUMN2, COLUMN3, COLUMN4, COLUMN5, COLUMN6, SYSDATE()
FROM VALUES
    {% for check in checks %}
    ({{ check.feature|literal }}, {{ check.name|literal }}, {{ check.value|literal }}::FLOAT,
     {{ check.bound|literal }}::FLOAT, {{ check.passed|literal }}, {{ check.reason|literal }}){{ "," if not loop.last }}
    {% endfor %}
WHERE NOT EXISTS (
    SELECT 1 FROM {{ identifier(database, 'OPS', 'FEATURE_CHECKS') }} AS K WHERE K.TRAINING_SET = {{ fingerprint|literal }}
)
