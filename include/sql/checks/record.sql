-- Checks, a row each, with the values that all of them share; PASSED is NULL of a check that was not asked.
INSERT INTO {{ identifier(database, 'OPS', table.name) }} (
    {{ common|join(", ") }}, {{ table.check }}, {{ table.subject ~ ", " if table.subject }}VALUE, BOUND,
    {{ "BASELINE, " if table.baseline }}PASSED, REASON, {{ table.time }}
)
SELECT {% for value in common.values() %}{{ value|bind }}, {% endfor %}V.*, SYSDATE()
FROM (
    {% for check in checks %}
    SELECT
        {{ check.name|bind }} AS CHECK_NAME,
        {% if table.subject %}
        {{ (check.subject or none)|bind }}::VARCHAR AS SUBJECT,
        {% endif %}
        {{ check.value|bind }}::FLOAT AS VALUE,
        {{ check.bound|bind }}::FLOAT AS BOUND,
        {% if table.baseline %}
        {{ check.baseline|bind }}::FLOAT AS BASELINE,
        {% endif %}
        {{ (none if check.outcome == "not_asked" else check.passed)|bind }}::BOOLEAN AS PASSED,
        {{ check.reason|bind }} AS REASON
    {{ "UNION ALL" if not loop.last }}
    {% endfor %}
) AS V
{% if table.once_by %}
WHERE NOT EXISTS (
    SELECT 1 FROM {{ identifier(database, 'OPS', table.name) }} AS K WHERE K.{{ table.once_by }} = {{ common[table.once_by]|bind }}
)
{% endif %}
