{#
    Of a challenger, its last verdict counts, and it need not be as good as the champion or the reference. Of a champion, the verdict by which it was
    promoted; of a version that no promotion names, its last one. `expire`: whether an override that has expired counts as none.
#}
-- Why the gate's verdict does not let a version serve, or NULL.
{% set failed = "NOT PASSED" ~ (" AND CHECK_NAME NOT IN ('NOT_WORSE_THAN_CHAMPION', 'NOT_WORSE_THAN_REFERENCE')" if role == "challenger" else "") %}
SELECT CASE
    WHEN COUNT(*) = 0 THEN 'the gate has not judged it'
    WHEN COUNT_IF(CHECK_NAME = 'OVERRIDE') > 0 THEN
        {% if expire %}
        CASE WHEN MAX(VALID_UNTIL) <= SYSDATE() THEN 'the override of the gate expired at ' || MAX(VALID_UNTIL)::VARCHAR || ' UTC' END
        {% else %}
        NULL
        {% endif %}
    WHEN COUNT_IF({{ failed }}) > 0 THEN 'the gate refused it: '
        || LISTAGG(CASE WHEN {{ failed }} THEN REASON END, '; ')
END AS REASON,
    MAX(VERDICT_ID) AS VERDICT_ID
FROM {{ identifier(database, 'OPS', 'VERDICTS') }}
WHERE VERDICT_ID = COALESCE(
    {% if role == "champion" %}
    (
        SELECT VERDICT_ID FROM {{ identifier(database, 'OPS', 'LEDGER') }}
        WHERE ACTION IN ('promote', 'rollback') AND TO_VERSION = {{ version|bind }} AND VERDICT_ID IS NOT NULL
        ORDER BY ENTRY DESC
        LIMIT 1
    ),
    {% endif %}
    (
        SELECT VERDICT_ID FROM {{ identifier(database, 'OPS', 'VERDICTS') }}
        WHERE MODEL_NAME = {{ model_name|bind }} AND MODEL_VERSION = {{ version|bind }}
        ORDER BY DECIDED_AT DESC, VERDICT_ID
        LIMIT 1
    ),
    'none'
)
