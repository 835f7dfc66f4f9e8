{# Rows of a training set, of each part at most so many, chosen by hash of the key: the same ones each time. Of several
   classes (by_class) each has its share of them, so that all rows of a rare class are there. #}
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
QUALIFY ROW_NUMBER() OVER (PARTITION BY IS_HOLDOUT{{ ", " ~ label|identifier if by_class|default(false) }} ORDER BY {% include "evaluation/queries.sql#key_hash" %}, {{ key|identifiers }}) <= {{ most }}
ORDER BY {{ key|identifiers }}
