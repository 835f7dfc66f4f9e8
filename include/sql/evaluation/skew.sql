-- Some held-out rows: their features as the training set keeps them, and their score as they would be served now.
{% import "scoring/prediction.sql" as prediction with context %}
WITH SAMPLED AS (
    SELECT * FROM {{ table }}
    WHERE IS_HOLDOUT
    ORDER BY {% include "evaluation/queries.sql#key_hash" %}, {{ key|identifiers }}
    LIMIT {{ most }}
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
    {% endfor %}
    {{ prediction.probabilities("SNOWLOOP_SCORE") if classes else "F.SNOWLOOP_SCORE" }}
FROM SAMPLED AS T
LEFT JOIN SERVED AS F ON {% for column in key %}F.{{ column|identifier }} = T.{{ column|identifier }}{{ " AND " if not loop.last }}{% endfor %}

ORDER BY {{ key|identifiers("T") }}
