{# Rows of a training set, at most so many, chosen by hash of the key: the same ones each time. #}
SELECT
    {% for feature in features %}
    {{ feature.name|identifier }},
    {% endfor %}
    {{ label|identifier }},
    IS_HOLDOUT
FROM {{ table }}
{% if training_alone %}
WHERE NOT IS_HOLDOUT
{% endif %}
ORDER BY {% include "evaluate/key_hash.sql" %}, {{ key|identifiers }}
LIMIT {{ most }}
