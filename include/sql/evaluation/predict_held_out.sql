-- The held-out rows by the way in which a version serves.
{% import "inference/classes.sql" as told with context %}
SELECT
    {% if classes %}
    {{ told.probabilities("SCORE") }}
FROM (
    SELECT
        {{ key|identifiers("F") }},
        {% include "inference/call.sql" %} AS SNOWLOOP_SAID
    FROM {{ table }} AS F
    WHERE IS_HOLDOUT
) AS F
    {% else %}
    {% include "inference/score.sql" %} AS SCORE
FROM {{ table }} AS F
WHERE IS_HOLDOUT
    {% endif %}
ORDER BY {{ key|identifiers("F") }}
