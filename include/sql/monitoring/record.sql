INSERT INTO {{ identifier(database, 'OPS', 'MONITORING_CHECKS') }} (
    NAME, MODEL_VERSION, VALUE, BOUND, PASSED, REASON, CHECKED_AT
)
SELECT COLUMN1, {{ version|literal }}, COLUMN2, COLUMN3, COLUMN4, COLUMN5, SYSDATE()
FROM VALUES
    {% for check in checks %}
    ({{ check.name|literal }}, {{ check.value|literal }}::FLOAT, {{ check.bound|literal }}::FLOAT, {{ check.passed|literal }},
     {{ check.reason|literal }}){{ "," if not loop.last }}
    {% endfor %}
