-- Checks, a row each, with the values that all of them share; PASSED is NULL of a check that was not asked.
INSERT INTO {{ identifier(database, 'OPS', table.name) }} (
    {{ common|join(", ") }}, {{ table.check }}, {{ table.subject ~ ", " if table.subject }}VALUE, BOUND,
    {{ "BASELINE, " if table.baseline }}PASSED, REASON, {{ table.time }}
)
SELECT {% for value in common.values() %}{{ value|bind }}, {% endfor %}V.*, SYSDATE()
FROM (
    SELECT
        C.VALUE:name::VARCHAR AS CHECK_NAME,
        {% if table.subject %}
        C.VALUE:subject::VARCHAR AS SUBJECT,
        {% endif %}
        C.VALUE:value::VARCHAR::FLOAT AS VALUE,
        C.VALUE:bound::VARCHAR::FLOAT AS BOUND,
        {% if table.baseline %}
        C.VALUE:baseline::VARCHAR::FLOAT AS BASELINE,
        {% endif %}
        C.VALUE:passed::BOOLEAN AS PASSED,
        C.VALUE:reason::VARCHAR AS REASON
    FROM TABLE(FLATTEN(INPUT => PARSE_JSON({{ checks|bind }}))) AS C
) AS V
{% if table.once_by %}
WHERE NOT EXISTS (
    SELECT 1 FROM {{ identifier(database, 'OPS', table.name) }} AS K WHERE K.{{ table.once_by }} = {{ common[table.once_by]|bind }}
)
{% endif %}
