-- Keys in both parts of a training set, and held-out rows whose features are those of a training row.
SELECT
    (
        SELECT COUNT(*) FROM (
            SELECT {{ key|identifiers }} FROM {{ table }}
            GROUP BY {{ key|identifiers }} HAVING COUNT(DISTINCT IS_HOLDOUT) > 1
        )
    ) AS SHARED_KEYS,
    {% if groups %}
    (
        SELECT COUNT(*) FROM (
            SELECT SNOWLOOP_GROUP FROM {{ table }} GROUP BY SNOWLOOP_GROUP HAVING COUNT(DISTINCT IS_HOLDOUT) > 1
        )
    ) AS SHARED_GROUPS,
    {% endif %}
    COUNT_IF(H.IN_TRAINING) AS IDENTICAL,
    COUNT(*) AS HELD_OUT
FROM (
    SELECT MAX(CASE WHEN IS_HOLDOUT THEN 0 ELSE 1 END) OVER (
        PARTITION BY {% for feature in features %}{{ feature.name|identifier }}{{ ", " if not loop.last }}{% endfor %}

    ) = 1 AS IN_TRAINING, IS_HOLDOUT
    FROM {{ table }}
) AS H
WHERE H.IS_HOLDOUT
