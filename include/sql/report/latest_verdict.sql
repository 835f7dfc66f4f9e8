-- The verdict that was recorded last: of all, or of one version.
SELECT VERDICT_ID
FROM {{ identifier(database, 'OPS', 'VERDICTS') }}
{% if version %}
WHERE MODEL_VERSION = {{ version|literal }}
{% endif %}
ORDER BY DECIDED_AT DESC, VERDICT_ID
LIMIT 1
