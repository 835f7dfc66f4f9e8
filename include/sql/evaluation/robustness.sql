-- What is asked of the served model beyond the rows that there are: NULL, unseen texts, zeros and extremes.

-- name: facts
-- Of each feature how often it is NULL, and the greatest absolute number.
SELECT
    {% for feature in features %}
    COUNT_IF({{ feature.name|identifier }} IS NULL) AS NULLS_{{ loop.index0 }}{{ "," if feature.type == "FLOAT" or not loop.last }}
    {% if feature.type == "FLOAT" %}
    MAX(ABS({{ feature.name|identifier }}::FLOAT)) AS HIGHEST_{{ loop.index0 }}{{ "," if not loop.last }}
    {% endif %}
    {% endfor %}
FROM {{ table }}

-- name: changed_row
-- The features of one row of the source, of which some columns are replaced: NULL, or infinite.
WITH CHECKED AS (
{{ checked }}
),
ONE AS (
    SELECT {{ key|identifiers }} FROM {{ table }}
    WHERE IS_HOLDOUT
    ORDER BY {{ key|identifiers }}
    LIMIT 1
),
CLEAN AS (
    SELECT
        {% for column in columns %}
        {{ replaced.get(column, "C." ~ column|identifier) }} AS {{ column|identifier }}{{ "," if not loop.last }}
        {% endfor %}
    FROM CHECKED AS C
    JOIN ONE AS S ON C.SNOWLOOP_REASON IS NULL
    {% for column in key %}
        AND S.{{ column|identifier }} = C.{{ column|identifier }}
    {% endfor %}
),
FEATURE_ROWS AS (
{{ feature_rows }}
)
SELECT
    {% for feature in features %}
    {{ feature.name|identifier }}::{{ feature.type }} AS {{ feature.name|identifier }}{{ "," if not loop.last }}
    {% endfor %}
FROM FEATURE_ROWS

-- name: ask
-- Scores of copies of a held-out row with few NULLs, in each of which one feature has another value.
{% import "scoring/prediction.sql" as prediction with context %}
WITH PROBES AS (
    SELECT
        P.VALUE:id::NUMBER(38,0) AS SNOWLOOP_ID,
        P.VALUE:feature::NUMBER(38,0) AS SNOWLOOP_FEATURE,
        P.VALUE:number::VARCHAR::FLOAT AS SNOWLOOP_NUMBER,
        P.VALUE:text::VARCHAR AS SNOWLOOP_TEXT
    FROM TABLE(FLATTEN(INPUT => PARSE_JSON({{ probes|bind }}))) AS P
),
ORDINARY AS (
    SELECT {% for feature in features %}{{ feature.name|identifier }}{{ ", " if not loop.last }}{% endfor %}

    FROM {{ table }}
    WHERE IS_HOLDOUT
    ORDER BY ARRAY_SIZE(ARRAY_CONSTRUCT_COMPACT({% for feature in features %}IFF({{ feature.name|identifier }} IS NULL, 1, NULL){{ ", " if not loop.last }}{% endfor %})), {{ key|identifiers }}
    LIMIT 1
),
FEATURE_ROWS AS (
    SELECT
        P.SNOWLOOP_ID,
        {% for feature in features %}
        IFF(P.SNOWLOOP_FEATURE = {{ loop.index0 }}, P.SNOWLOOP_{{ "NUMBER" if feature.type == "FLOAT" else "TEXT" }}, O.{{ feature.name|identifier }}::{{ feature.type }}) AS {{ feature.name|identifier }}{{ "," if not loop.last }}
        {% endfor %}
    FROM PROBES AS P
    CROSS JOIN ORDINARY AS O
)
SELECT
    F.SNOWLOOP_ID,
    {% if classes %}
    {{ prediction.probabilities("SCORE") }}
FROM (
    SELECT F.SNOWLOOP_ID, {{ prediction.output() }} AS SNOWLOOP_OUTPUT FROM FEATURE_ROWS AS F
) AS F
    {% else %}
    {{ prediction.score() }} AS SCORE
FROM FEATURE_ROWS AS F
    {% endif %}
ORDER BY F.SNOWLOOP_ID
