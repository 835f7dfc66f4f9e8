-- Each decision has an id of its own; an id is recorded once.
INSERT INTO {{ identifier(database, 'OPS', 'VERDICTS') }} (
    VERDICT_ID, MODEL_NAME, MODEL_VERSION, CHECK_NAME, VALUE, BOUND, BASELINE, PASSED, REASON, TRAINING_SET, GIT_COMMIT,
    DECIDED_AT, EVALUATION_ID, CHAMPION, CONTENT
)
SELECT
    {{ verdict.verdict_id|literal }}, {{ model|literal }}, {{ verdict.version_name|literal }}, V.*,
    {{ verdict.training_set|literal }}, {{ git_commit|literal }}, SYSDATE(),
    {{ verdict.evaluation_id|literal }}, {{ verdict.champion|literal }}, {{ content|literal }}
FROM (
    {% for check in verdict.checks %}
    SELECT
        {{ check.name|literal }} AS CHECK_NAME, {{ check.value|literal }}::FLOAT AS VALUE,
        {{ check.bound|literal }}::FLOAT AS BOUND, {{ check.baseline|literal }}::FLOAT AS BASELINE,
        {{ check.passed|literal }} AS PASSED, {{ check.reason|literal }} AS REASON
    {{ "UNION ALL" if not loop.last }}
    {% endfor %}
) AS V
WHERE NOT EXISTS (
    SELECT 1 FROM {{ identifier(database, 'OPS', 'VERDICTS') }} AS K
    WHERE K.VERDICT_ID = {{ verdict.verdict_id|literal }}
)
