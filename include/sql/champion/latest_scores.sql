{# Of a key its newest scores count, and none of a row that is gone, as in SERVING.LATEST_SCORES. #}
{% macro gone() -%}
LEFT JOIN (
    SELECT {{ key|identifiers }}, MAX(CORRECTED_AT) AS GONE_AT
    FROM {{ identifier(database, 'SERVING', 'CORRECTIONS') }}
    WHERE GONE
    GROUP BY {{ key|identifiers }}
) AS G ON {% for column in key %}G.{{ column|identifier }} = S.{{ column|identifier }}{{ " AND " if not loop.last }}{% endfor %}
{%- endmacro %}
{% macro newest() %}
    AND (G.GONE_AT IS NULL OR S.SCORED_AT > G.GONE_AT)
QUALIFY ROW_NUMBER() OVER (PARTITION BY {{ key|identifiers("S") }} ORDER BY S.SCORED_AT DESC, S.RUN_ID DESC) = 1
{%- endmacro %}
{# The score by a version of a row of SERVING.SCORED or SERVING.SHADOW: its score, or the probability of each class. #}
{% macro by_version(row, side, version) -%}
{% for class in classes %}
    CASE WHEN {{ row }}.MODEL_VERSION = {{ version|literal }} THEN {{ row }}.PROBABILITIES:{{ class|string|identifier }}::FLOAT END AS {{ side }}_{{ loop.index0 }},
{% else %}
    CASE WHEN {{ row }}.MODEL_VERSION = {{ version|literal }} THEN {{ row }}.SCORE END AS {{ side }},
{% endfor %}
{%- endmacro %}

{# Which rows are alike, as in the evaluation: those of a group, or those of about the same time. #}
{% macro alike() -%}
{% if group %}
B.{{ group|identifier }}::VARCHAR AS SNOWLOOP_GROUP,
{%- elif in_time %}
DATEDIFF('second', '1970-01-01'::TIMESTAMP_NTZ, COALESCE(S.EVENT_TIME, S.SCORED_AT)) AS SNOWLOOP_ORDER,
{%- endif %}
{%- endmacro %}
{% macro groups() -%}
{% if group %}
LEFT JOIN (
    SELECT {{ key|identifiers }}{{ ", " ~ group|identifier if group not in key }}
    FROM {{ table }}
    QUALIFY ROW_NUMBER() OVER (PARTITION BY {{ key|identifiers }} ORDER BY {{ group|identifier }}) = 1
) AS B ON {% for column in key %}B.{{ column|identifier }} = S.{{ column|identifier }}{{ " AND " if not loop.last }}{% endfor %}
{%- endif %}
{%- endmacro %}
