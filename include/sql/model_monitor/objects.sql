-- What a model monitor reads, and the monitor. Each column of the source that has no other role is a feature to it, so that the
-- view and the table have the same columns and no other. A value that is no number suspends a monitor, so it is NULL, and a row whose
-- score is none is left out: https://docs.snowflake.com/en/developer-guide/snowflake-ml/model-registry/model-observability.

-- name: finite
{# A number, or NULL for NaN and the infinities. #}
{% macro finite(value) -%}
CASE WHEN {{ value }} NOT IN ('NaN'::FLOAT, 'inf'::FLOAT, '-inf'::FLOAT) THEN {{ value }} END
{%- endmacro %}
{# The columns that are predicted, of a score between 0 and 1 or of a regression. #}
{% macro predicted(score) -%}
{{ score }} AS SNOWLOOP_SCORE{% if task == "classification" %},
    IFF({{ score }} >= {{ threshold }}, 1, 0)::NUMBER(38,0) AS SNOWLOOP_CLASS{% endif %}
{%- endmacro %}
{% macro is_score(score) -%}
{{ score }} {{ "BETWEEN 0 AND 1" if task == "classification" else "NOT IN ('NaN'::FLOAT, 'inf'::FLOAT, '-inf'::FLOAT)" }}
{%- endmacro %}
{% macro actual(label) -%}
{{ label }}::{{ "NUMBER(38,0)" if task == "classification" else "FLOAT" }} AS SNOWLOOP_ACTUAL
{%- endmacro %}

-- name: source
-- The rows that the version scored in the loop, of each key the newest score, without those that it was trained on.
{% import "features/macros.sql" as macros %}
{% import "model_monitor/objects.sql#finite" as parts with context %}
CREATE OR REPLACE VIEW {{ source }} COMMENT = {{ comment|literal }} AS
{% if labels %}
WITH LABEL_ROWS AS (
{{ label_rows }}
)
{% endif %}
SELECT
    {{ key|identifiers("S") }},
    S.SCORED_AT AS SNOWLOOP_MOMENT,
    {% for feature in features %}
    {% set value = "S.FEATURES:" ~ feature.name|identifier ~ "::" ~ feature.type %}
    {{ parts.finite(value) if feature.type == "FLOAT" else value }} AS {{ feature.name|identifier }},
    {% endfor %}
    {{ parts.predicted("S.SCORE") }}{{ "," if labels }}
    {% if labels %}
    {{ parts.actual("CASE WHEN " ~ known ~ " THEN L." ~ label|identifier ~ " END") }}
    {% endif %}
FROM {{ identifier(database, 'SERVING', 'SCORED') }} AS S
{% if labels %}
LEFT JOIN LABEL_ROWS AS L ON {{ macros.same_key(key, "L", "S") }}
{% endif %}
LEFT JOIN {{ training_set }} AS T ON {{ macros.same_key(key, "T", "S") }}
WHERE S.MODEL_VERSION = {{ version|literal }} AND {{ parts.is_score("S.SCORE") }} AND S.FEATURES IS NOT NULL
    AND T.{{ key[0]|identifier }} IS NULL
    AND S.RUN_ID NOT IN (SELECT RUN_ID FROM {{ identifier(database, 'OPS', 'RUNS') }} WHERE KIND = 'backfill')
QUALIFY ROW_NUMBER() OVER (PARTITION BY {{ key|identifiers("S") }} ORDER BY S.SCORED_AT DESC, S.RUN_ID DESC) = 1

-- name: baseline
-- The held-out rows of the version's training set with its scores, which the monitor copies when it is created. Of a version that
-- was trained on all rows they are the scores of the one that was judged. Times do not count in a baseline.
{% import "scoring/prediction.sql" as prediction with context %}
{% import "model_monitor/objects.sql#finite" as parts with context %}
CREATE OR REPLACE TABLE {{ baseline }} COMMENT = {{ comment|literal }} AS
SELECT
    {{ key|identifiers("H") }},
    '1970-01-01'::TIMESTAMP_NTZ AS SNOWLOOP_MOMENT,
    {% for feature in features %}
    {% set value = "H." ~ feature.name|identifier ~ "::" ~ feature.type %}
    {{ parts.finite(value) if feature.type == "FLOAT" else value }} AS {{ feature.name|identifier }},
    {% endfor %}
    {{ parts.predicted("H.SNOWLOOP_SCORE") }}{{ "," if labels }}
    {% if labels %}
    {{ parts.actual("H." ~ label|identifier) }}
    {% endif %}
FROM (
    SELECT F.*, {{ prediction.score() }} AS SNOWLOOP_SCORE
    FROM {{ training_set }} AS F
    WHERE F.IS_HOLDOUT
) AS H
WHERE {{ parts.is_score("H.SNOWLOOP_SCORE") }}

-- name: monitor
CREATE OR REPLACE MODEL MONITOR {{ monitor }} WITH
    MODEL = {{ model }}
    VERSION = {{ version|literal }}
    FUNCTION = {{ ("PREDICT_PROBA" if task == "classification" else "PREDICT")|literal }}
    SOURCE = {{ source }}
    WAREHOUSE = {{ warehouse|identifier }}
    REFRESH_INTERVAL = {{ refresh|literal }}
    AGGREGATION_WINDOW = {{ (window_days ~ (" day" if window_days == 1 else " days"))|literal }}
    TIMESTAMP_COLUMN = SNOWLOOP_MOMENT
    BASELINE = {{ baseline }}
    ID_COLUMNS = ({% for column in key %}{{ column|literal }}{{ ", " if not loop.last }}{% endfor %})
    PREDICTION_SCORE_COLUMNS = ('SNOWLOOP_SCORE')
    {% if task == "classification" %}
    PREDICTION_CLASS_COLUMNS = ('SNOWLOOP_CLASS')
    {% endif %}
    {% if labels %}
    {{ "ACTUAL_CLASS_COLUMNS" if task == "classification" else "ACTUAL_SCORE_COLUMNS" }} = ('SNOWLOOP_ACTUAL')
    {% endif %}
    COMMENT = {{ comment|literal }}

-- name: show
SHOW MODEL MONITORS LIKE {{ name|literal }} IN SCHEMA {{ identifier(database, 'MODELS') }}
