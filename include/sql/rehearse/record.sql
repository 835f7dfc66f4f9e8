INSERT INTO {{ identifier(database, 'OPS', 'REHEARSALS') }} (
    NAME, MODEL_VERSION, VALUE, BOUND, PASSED, REASON, GIT_COMMIT, DONE_AT
)
SELECT COLUMN1, COLUMN2, COLUMN3, COLUMN4, COLUMN5, COLUMN6, {{ git_commit|literal }}, SYSDATE()
FROM VALUES
    {% for each in done %}
    ({{ each.name|literal }}, {{ each.version|literal }}, {{ each.value|literal }}::FLOAT, {{ each.bound|literal }}::FLOAT,
     {{ each.passed|literal }}, {{ each.reason|literal }}){{ "," if not loop.last }}
    {% endfor %}
