-- name: training_rows
-- In the order of the key, so that equal training sets give equal models; none is held out of a model that is fitted on all.
SELECT
    {% for feature in features %}
    {{ feature.name|identifier }},
    {% endfor %}
    {{ label|identifier }},
    {% for column in along %}
    {{ column|identifier }},
    {% endfor %}
    {{ "FALSE AS " if all_rows }}IS_HOLDOUT
FROM {{ table }}
ORDER BY {{ key|identifiers }}
