-- The held-out rows by the way in which a version serves.
{% import "scoring/prediction.sql" as prediction with context %}
SELECT
    {% if classes %}
    {{ prediction.probabilities("SCORE") }}
FROM (
    SELECT
        {{ key|identifiers("F") }},
        {{ prediction.output() }} AS SNOWLOOP_OUTPUT
    FROM {{ table }} AS F
    WHERE IS_HOLDOUT
) AS F
    {% else %}
    {{ prediction.score() }} AS SCORE
FROM {{ table }} AS F
WHERE IS_HOLDOUT
    {% endif %}
ORDER BY {{ key|identifiers("F") }}
