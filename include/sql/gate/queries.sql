-- name: past_verdicts
-- What was judged on held-out rows: among which candidates, on which training set, and whether no version was promoted since.
SELECT DISTINCT
    VERDICT_ID, MODEL_VERSION, TRAINING_SET, CANDIDATES, DECIDED_AT,
    DECIDED_AT > COALESCE(
        (SELECT MAX(DONE_AT) FROM {{ identifier(database, 'OPS', 'LEDGER') }} WHERE ACTION = 'promote'),
        '1970-01-01'::TIMESTAMP_NTZ
    ) AS PRESENT
FROM {{ identifier(database, 'OPS', 'VERDICTS') }}
WHERE MODEL_NAME = {{ model_name|bind }} AND MODEL_VERSION <> 'none' AND JUDGED_VERSION IS NULL

-- name: held_out_again
-- Which share of the held-out rows of a training set was held out in another one too.
SELECT AVG(IFF(K.IS_HOLDOUT, 1, 0)) AS SHARE
FROM {{ table }} AS A
LEFT JOIN {{ other }} AS K ON K.IS_HOLDOUT
{% for column in key %}
    AND K.{{ column|identifier }} = A.{{ column|identifier }}
{% endfor %}
WHERE A.IS_HOLDOUT

-- name: newest
{# `refits`: only decisions on versions that were trained on all rows, or only those on others; not given: on any. #}
-- The gate's last decision: on the model, or on one of its versions.
SELECT VERDICT_ID, CONTENT
FROM {{ identifier(database, 'OPS', 'VERDICTS') }}
WHERE MODEL_NAME = {{ model_name|bind }}
{% if version %}
    AND MODEL_VERSION = {{ version|bind }}
{% endif %}
{% if refits is defined %}
    AND JUDGED_VERSION IS {{ "NOT " if refits }}NULL
{% endif %}
ORDER BY DECIDED_AT DESC, VERDICT_ID
LIMIT 1
