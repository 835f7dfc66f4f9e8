-- What a model monitor has computed, read by the table functions of Snowflake: one row a metric, column and window.

-- name: metrics
{# EVENT_TIMESTAMP is the begin of a window. Functions: https://docs.snowflake.com/en/sql-reference/functions-model-monitors. #}
{% for each in asked %}
SELECT
    {{ each.name|literal }} AS NAME, M.EVENT_TIMESTAMP AS WINDOW_START, M.METRIC_VALUE AS VALUE,
    {{ "M." ~ each.rows if each.rows else "NULL::NUMBER(38,0)" }} AS N
FROM TABLE({{ each.function }}(
    {{ monitor|literal }}, {{ each.metric|literal }}, {{ each.column|literal ~ ", " if each.column }}{{ granularity|literal }},
    {{ each.since|literal }}::TIMESTAMP_NTZ, {{ until|literal }}::TIMESTAMP_NTZ
)) AS M
WHERE M.METRIC_VALUE IS NOT NULL
{{ "UNION ALL" if not loop.last }}
{% endfor %}

-- name: newest
-- The newest window of which the number of rows was read.
SELECT MAX(WINDOW_START) AS NEWEST
FROM {{ identifier(database, 'OPS', 'MONITORING_CHECKS') }}
WHERE NAME = {{ name|bind }} AND MODEL_VERSION = {{ version|bind }}
