-- name: create_database
CREATE DATABASE {{ database|identifier }}{{ (" CLONE " ~ source|identifier) if source }} COMMENT = {{ comment|literal }}

-- name: one_row
SELECT 1 FROM {{ table }} LIMIT 1

-- name: row_hashes
{# How many rows a table has, and the greatest hash of those that stay: the same rows each time, groups as a whole. #}
SELECT COUNT(*) AS N, MAX(IFF(PLACE <= {{ most }}, HASH, NULL)) AS LAST_HASH
FROM (
    SELECT HASH, ROW_NUMBER() OVER (ORDER BY HASH) AS PLACE
    FROM (SELECT {% include "evaluation/queries.sql#key_hash" %} AS HASH FROM {{ table }}) AS T
) AS P

-- name: remove_rows
DELETE FROM {{ table }} WHERE {% include "evaluation/queries.sql#key_hash" %} > {{ last_hash|bind }}

-- name: scores
{# The scores of a version over rows with its features, by the way in which it serves. #}
{% import "scoring/prediction.sql" as prediction with context %}
SELECT
    {{ key|identifiers("F") }},
    {% for column in columns %}
    F.{{ column|identifier }} AS {{ ("SLICE_" ~ column)|identifier }},
    {% endfor %}
    {% if classes %}
    {{ prediction.probabilities("P") }}
FROM (SELECT F.*, {{ prediction.output() }} AS SNOWLOOP_OUTPUT FROM {{ rows }} AS F) AS F
    {% else %}
    {{ prediction.score() }} AS P_0
FROM {{ rows }} AS F
    {% endif %}

-- name: both_scores
{# The rows with the scores of both versions; of a slice by a column of the source its value, else that of the feature. #}
WITH NEW_SCORES AS (
{{ new }}
),
SERVING_SCORES AS (
{{ serving }}
){% if raw_columns %},
CHECKED AS (
{{ checked }}
){% endif %}

SELECT
    {{ key|identifiers("N") }},
    {% for column in raw_columns %}
    C.{{ column|identifier }} AS {{ ("SLICE_" ~ column)|identifier }},
    {% endfor %}
    {% for column in feature_columns %}
    N.{{ ("SLICE_" ~ column)|identifier }},
    {% endfor %}
    {% for place in range(outputs) %}
    N.{{ ("P_" ~ place)|identifier }} AS {{ ("NEW_" ~ place)|identifier }},
    S.{{ ("P_" ~ place)|identifier }} AS {{ ("SERVING_" ~ place)|identifier }}{{ "," if not loop.last }}
    {% endfor %}
FROM NEW_SCORES AS N
LEFT JOIN SERVING_SCORES AS S
    ON {% for column in key %}S.{{ column|identifier }} = N.{{ column|identifier }}{{ " AND " if not loop.last }}{% endfor %}

{% if raw_columns %}
LEFT JOIN CHECKED AS C
    ON C.SNOWLOOP_REASON IS NULL
    {% for column in key %}
    AND C.{{ column|identifier }} = N.{{ column|identifier }}
    {% endfor %}
{% endif %}
ORDER BY {{ key|identifiers("N") }}
