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

-- name: record_model_files
-- The digest of the files of a version that was registered.
INSERT INTO {{ identifier(database, 'OPS', 'MODEL_FILES') }} (MODEL_NAME, MODEL_VERSION, FILES, DONE_BY, DONE_AT)
SELECT {{ model_name|bind }}, {{ version|bind }}, {{ files|bind }}, CURRENT_USER(), SYSDATE()

-- name: recorded_model_files
-- The digest of each version's files when it was registered last: one that was dropped may be trained again.
SELECT MODEL_VERSION, FILES
FROM {{ identifier(database, 'OPS', 'MODEL_FILES') }}
WHERE MODEL_NAME = {{ model_name|bind }}
QUALIFY ROW_NUMBER() OVER (PARTITION BY MODEL_VERSION ORDER BY DONE_AT DESC) = 1
