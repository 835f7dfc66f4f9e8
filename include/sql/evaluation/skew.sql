-- Some held-out rows: their features as the training set keeps them, and their score as they would be served now. Besides
-- those that a salted hash of the key draws, there are two rows of each feature with a NULL, two with a text that training
-- did not have, and one with the rarest text that it had.
{% import "scoring/prediction.sql" as prediction with context %}
{% macro column(feature) -%}T.{{ feature.name|identifier }}{%- endmacro %}
{% macro share(place) -%}{{ ("SNOWLOOP_SHARE_" ~ place)|identifier }}{%- endmacro %}
WITH HASHED AS (
    SELECT
        T.*,
        {% for feature in features if feature.type == "VARCHAR" %}
        COALESCE({{ ("C" ~ features.index(feature))|identifier }}.SNOWLOOP_SHARE, 0) AS {{ share(features.index(feature)) }},
        {% endfor %}
        {% include "evaluation/queries.sql#key_hash" %} AS SNOWLOOP_HASH
    FROM {{ table }} AS T
    {% for feature in features if feature.type == "VARCHAR" %}
    {% set counted = ("C" ~ features.index(feature))|identifier %}
    LEFT JOIN (
        SELECT {{ feature.name|identifier }} AS SNOWLOOP_TEXT, COUNT(*) / SUM(COUNT(*)) OVER () AS SNOWLOOP_SHARE
        FROM {{ table }}
        WHERE NOT IS_HOLDOUT
        GROUP BY {{ feature.name|identifier }}
    ) AS {{ counted }} ON {{ counted }}.SNOWLOOP_TEXT = {{ column(feature) }}
    {% endfor %}
    WHERE T.IS_HOLDOUT
),
STRATA AS (
    SELECT ARRAY_CONSTRUCT_COMPACT(
        {% for feature in features %}
        {% if feature.type == "VARCHAR" %}
        {% set place = loop.index0 %}
        {% set unseen = "IFF(" ~ column(feature) ~ " IS NOT NULL AND " ~ share(place) ~ " = 0, SNOWLOOP_HASH, NULL)" %}
        MIN({{ unseen }}),
        MAX({{ unseen }}),
        -- the share in a thousand billionths before the hash, so that the least is of the rarest
        SUBSTR(MIN(IFF({{ share(place) }} > 0, LPAD(({{ share(place) }} * 1e12)::NUMBER(38,0)::VARCHAR, 13, '0') || SNOWLOOP_HASH, NULL)), 14),
        {% endif %}
        MIN(IFF({{ column(feature) }} IS NULL, SNOWLOOP_HASH, NULL)),
        MAX(IFF({{ column(feature) }} IS NULL, SNOWLOOP_HASH, NULL)){{ "," if not loop.last }}
        {% endfor %}
    ) AS SNOWLOOP_HASHES
    FROM HASHED AS T
),
SAMPLED AS (
    SELECT T.*
    FROM HASHED AS T
    CROSS JOIN STRATA AS H
    QUALIFY ROW_NUMBER() OVER (ORDER BY T.SNOWLOOP_HASH, {{ key|identifiers("T") }}) <= {{ most }}
        OR ARRAY_CONTAINS(T.SNOWLOOP_HASH::VARIANT, H.SNOWLOOP_HASHES)
),
CHECKED AS (
{{ checked }}
),
CLEAN AS (
    SELECT {{ columns|identifiers("C") }}
    FROM CHECKED AS C
    JOIN SAMPLED AS S ON C.SNOWLOOP_REASON IS NULL
    {% for column in key %}
        AND S.{{ column|identifier }} = C.{{ column|identifier }}
    {% endfor %}
),
FEATURE_ROWS AS (
{{ feature_rows }}
),
SERVED AS (
    SELECT
        {{ key|identifiers("F") }},
        {% if classes %}
        {{ prediction.output() }} AS SNOWLOOP_OUTPUT
        {% else %}
        {{ prediction.score() }} AS SNOWLOOP_SCORE
        {% endif %}
    FROM FEATURE_ROWS AS F
)
SELECT
    {% for feature in features %}
    T.{{ feature.name|identifier }},
    {% if feature.type == "VARCHAR" %}
    T.{{ share(loop.index0) }},
    {% endif %}
    {% endfor %}
    {{ prediction.probabilities("SNOWLOOP_SCORE") if classes else "F.SNOWLOOP_SCORE" }}
FROM SAMPLED AS T
LEFT JOIN SERVED AS F ON {% for column in key %}F.{{ column|identifier }} = T.{{ column|identifier }}{{ " AND " if not loop.last }}{% endfor %}

ORDER BY {{ key|identifiers("T") }}
