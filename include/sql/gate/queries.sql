-- name: newest
-- The gate's last decision: on the model, or on one of its versions.
SELECT VERDICT_ID, CONTENT
FROM {{ identifier(database, 'OPS', 'VERDICTS') }}
WHERE MODEL_NAME = {{ model_name|bind }}
{% if version %}
    AND MODEL_VERSION = {{ version|bind }}
{% endif %}
ORDER BY DECIDED_AT DESC, VERDICT_ID
LIMIT 1
