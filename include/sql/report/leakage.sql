-- How well each feature alone predicts the label, as it was last asked of a training set.
SELECT FEATURE, VALUE
FROM {{ identifier(database, 'OPS', 'LEAKAGE_CHECKS') }}
WHERE TRAINING_SET = {{ fingerprint|literal }} AND CHECK_NAME = 'SINGLE_FEATURE'
QUALIFY ROW_NUMBER() OVER (PARTITION BY FEATURE ORDER BY CHECKED_AT DESC) = 1
ORDER BY FEATURE
