-- Evidence of the tests of the ML Test Score, a query a test: RAN is above 0 if a system did the test, BY_HAND if a person
-- could have done it from what is recorded, EVIDENCE says what was recorded.

-- name: columns_are_checked
-- Runs of the contract's checks, except whether there are rows at all.
SELECT
    COUNT(DISTINCT CHECK_RUN) AS RAN, 0 AS BY_HAND,
    COUNT(*) || ' checks of columns in ' || COUNT(DISTINCT CHECK_RUN) || ' runs of the data contract' AS EVIDENCE
FROM {{ identifier(database, 'OPS', 'CONTRACT_CHECKS') }}
WHERE CHECK_NAME <> 'ROW_COUNT'

-- name: feature_importance_is_measured
-- Evaluations that measured permutation importance.
SELECT
    COUNT(DISTINCT EVALUATION_ID) AS RAN, 0 AS BY_HAND,
    'permutation importance of ' || COUNT(DISTINCT SLICE) || ' features in ' || COUNT(DISTINCT EVALUATION_ID)
        || ' evaluations' AS EVIDENCE
FROM {{ identifier(database, 'OPS', 'EVALUATIONS') }}
WHERE NAME = 'importance'

-- name: feature_cost_is_measured
-- Training sets for which the time of each feature was measured.
SELECT
    COUNT(DISTINCT TRAINING_SET) AS RAN, 0 AS BY_HAND,
    'time to compute each of ' || COUNT(DISTINCT FEATURE) || ' features, the slowest '
        || ROUND(MAX(VALUE), 1) || ' ms' AS EVIDENCE
FROM {{ identifier(database, 'OPS', 'FEATURE_CHECKS') }}
WHERE CHECK_NAME = 'MILLISECONDS'

-- name: features_do_not_leak
-- Checks that no feature is known only after the label, or predicts it alone.
SELECT
    COUNT(DISTINCT CHECK_ID) AS RAN, 0 AS BY_HAND,
    COUNT(*) || ' checks that a feature does not leak the label, ' || COUNT_IF(NOT PASSED) || ' failed' AS EVIDENCE
FROM {{ identifier(database, 'OPS', 'LEAKAGE_CHECKS') }}
WHERE CHECK_NAME IN ('KNOWN_AFTER_LABEL', 'SINGLE_FEATURE')

-- name: features_are_added_quickly
-- Promotions within a day of building their training set.
SELECT
    COUNT(*) AS RAN, 0 AS BY_HAND,
    'new features served ' || MIN(DATEDIFF('second', T.CREATED_AT, L.DONE_AT))
        || ' s after their training set was built, past contract, leakage checks and gate' AS EVIDENCE
FROM {{ identifier(database, 'OPS', 'LEDGER') }} AS L
JOIN {{ identifier(database, 'OPS', 'TRAINING_SETS') }} AS T ON T.FINGERPRINT = L.TRAINING_SET
WHERE L.ACTION = 'promote' AND DATEDIFF('second', T.CREATED_AT, L.DONE_AT) BETWEEN 0 AND 86400

-- name: feature_code_is_tested
-- Training sets whose feature code was run twice and compared.
SELECT
    COUNT(DISTINCT TRAINING_SET) AS RAN, 0 AS BY_HAND,
    'features.sql run twice over the same rows and ' || COUNT(DISTINCT FEATURE) || ' features compared, '
        || COUNT_IF(NOT PASSED) || ' differed' AS EVIDENCE
FROM {{ identifier(database, 'OPS', 'FEATURE_CHECKS') }}
WHERE CHECK_NAME = 'REPEATABLE'

-- name: promotions_are_reviewed
-- Promotions of committed code that a person approved; RAN if there is no other promotion.
SELECT
    IFF(COUNT_IF(REVIEWED) = COUNT(*), COUNT(*), 0) AS RAN,
    COUNT_IF(REVIEWED) AS BY_HAND,
    COUNT_IF(REVIEWED) || ' of ' || COUNT(*) || ' promotions approved by a person, of committed code' AS EVIDENCE
FROM (
    SELECT
        APPROVED_BY IS NOT NULL
            AND COALESCE(GIT_COMMIT, 'unknown') <> 'unknown' AND GIT_COMMIT NOT LIKE '%-dirty' AS REVIEWED
    FROM {{ identifier(database, 'OPS', 'LEDGER') }}
    WHERE ACTION = 'promote'
)

-- name: served_scores_are_measured
-- Versions whose served scores were measured; fewer than three show no correlation: a person compares.
SELECT
    IFF(COUNT(DISTINCT MODEL_VERSION) > 2, COUNT(*), 0) AS RAN, COUNT(*) AS BY_HAND,
    'served scores of ' || COUNT(DISTINCT MODEL_VERSION) || ' versions were measured on labels that arrived later, last: ' || MAX_BY(REASON, DONE_AT) AS EVIDENCE
FROM {{ identifier(database, 'OPS', 'REHEARSALS') }}
WHERE NAME = 'SERVED_SCORES_MEASURED' AND VALUE IS NOT NULL

-- name: candidates_compete
-- Training sets on which several candidates competed.
SELECT
    COUNT(*) AS RAN, 0 AS BY_HAND,
    'up to ' || MAX(VERSIONS) || ' candidates competed on each of ' || COUNT(*) || ' training sets' AS EVIDENCE
FROM (
    SELECT TRAINING_SET, COUNT(DISTINCT MODEL_VERSION) AS VERSIONS
    FROM {{ identifier(database, 'OPS', 'EVALUATIONS') }}
    GROUP BY TRAINING_SET
)
WHERE VERSIONS > 1

-- name: staleness_is_measured
-- Evaluations in which an older champion was measured on rows of a later training set.
SELECT
    COUNT(DISTINCT D.EVALUATION_ID) AS RAN, 0 AS BY_HAND,
    'an older champion measured on the rows of a later training set in ' || COUNT(DISTINCT D.EVALUATION_ID)
        || ' evaluations' AS EVIDENCE
FROM {{ identifier(database, 'OPS', 'EVALUATION_DETAILS') }} AS D
JOIN {{ identifier(database, 'OPS', 'EVALUATIONS') }} AS E ON E.EVALUATION_ID = D.EVALUATION_ID
JOIN {{ identifier(database, 'OPS', 'EVALUATIONS') }} AS O ON O.MODEL_VERSION = D.DETAILS:champion::VARCHAR
WHERE D.DETAILS:same_rows::BOOLEAN AND O.TRAINING_SET <> E.TRAINING_SET

-- name: simpler_model_is_compared
-- Verdicts that compared a version with a constant and a linear baseline.
SELECT
    COUNT(DISTINCT VERDICT_ID) AS RAN, 0 AS BY_HAND,
    COUNT(DISTINCT VERDICT_ID) || ' verdicts compared the version with a linear model' AS EVIDENCE
FROM {{ identifier(database, 'OPS', 'VERDICTS') }}
WHERE CHECK_NAME = 'BASELINE_BEATEN' AND BASELINE IS NOT NULL AND VALUE IS NOT NULL

-- name: slices_are_evaluated
-- Verdicts that checked the bounds of slices; slices without a bound are left to a person.
SELECT
    COUNT(DISTINCT V.VERDICT_ID) AS RAN, COUNT(E.EVALUATION_ID) AS BY_HAND,
    COUNT(DISTINCT E.SLICE) || ' slices measured, bounds checked in '
        || COUNT(DISTINCT V.VERDICT_ID) || ' verdicts' AS EVIDENCE
FROM {{ identifier(database, 'OPS', 'EVALUATIONS') }} AS E
LEFT JOIN {{ identifier(database, 'OPS', 'VERDICTS') }} AS V
    ON V.EVALUATION_ID = E.EVALUATION_ID AND V.CHECK_NAME = 'SLICES' AND V.VALUE IS NOT NULL
WHERE E.SLICE LIKE '%: %' AND E.SLICE NOT LIKE 'class %' AND E.NAME <> 'importance'

-- name: inclusion_is_measured
-- Slices that the declaration marks with inclusion; RAN if they have a bound.
SELECT
    COUNT_IF(S.VALUE:bound::FLOAT IS NOT NULL) AS RAN, COUNT(*) AS BY_HAND,
    'measured for inclusion: ' || LISTAGG(DISTINCT S.VALUE:column::VARCHAR, ', ') AS EVIDENCE
FROM {{ identifier(database, 'OPS', 'EVALUATION_DETAILS') }} AS D, LATERAL FLATTEN(INPUT => D.DETAILS:slices) AS S
WHERE S.VALUE:inclusion::BOOLEAN

-- name: training_is_reproducible
-- Trainings that were repeated and gave the same scores.
SELECT
    COUNT_IF(PASSED) AS RAN, 0 AS BY_HAND,
    COUNT_IF(PASSED) || ' of ' || COUNT(*) || ' repeated trainings gave the same model, last: ' || MAX_BY(REASON, DONE_AT) AS EVIDENCE
FROM {{ identifier(database, 'OPS', 'REHEARSALS') }}
WHERE NAME = 'TRAINING_REPRODUCED'

-- name: model_code_is_tested
-- Tests of the model code of every candidate.
SELECT
    COUNT(*) AS RAN, 0 AS BY_HAND,
    COUNT(*) || ' tests of the estimators that build_model returns, ' || COUNT_IF(NOT PASSED) || ' failed' AS EVIDENCE
FROM {{ identifier(database, 'OPS', 'REHEARSALS') }}
WHERE NAME = 'SPECIFICATION_TESTED'

-- name: pipeline_is_integration_tested
-- Runs that scored new rows with a version that passed the gate: files to scores, end to end.
SELECT
    COUNT(DISTINCT R.RUN_ID) AS RAN, 0 AS BY_HAND,
    'files to scores end to end: ' || COUNT(DISTINCT R.RUN_ID) || ' runs of the native task scored with a version that '
        || 'was trained, evaluated and promoted here' AS EVIDENCE
FROM {{ identifier(database, 'OPS', 'RUNS') }} AS R
JOIN {{ identifier(database, 'OPS', 'LEDGER') }} AS L ON L.TO_VERSION = R.MODEL_VERSION AND L.VERDICT_ID IS NOT NULL
WHERE R.ROWS_SCORED > 0 AND R.ERROR IS NULL

-- name: promotions_are_validated
-- Promotions after a verdict; a single one without a verdict costs the point.
SELECT
    IFF(COUNT_IF(V.VERDICT_ID IS NULL) = 0, COUNT(*), 0) AS RAN, 0 AS BY_HAND,
    COUNT_IF(V.VERDICT_ID IS NOT NULL) || ' of ' || COUNT(*) || ' promotions after a verdict of the gate' AS EVIDENCE
FROM {{ identifier(database, 'OPS', 'LEDGER') }} AS L
LEFT JOIN (SELECT VERDICT_ID, MIN(DECIDED_AT) AS DECIDED_AT FROM {{ identifier(database, 'OPS', 'VERDICTS') }} GROUP BY VERDICT_ID) AS V
    ON V.VERDICT_ID = L.VERDICT_ID AND V.DECIDED_AT <= L.DONE_AT
WHERE L.ACTION = 'promote'

-- name: scores_are_traceable
-- Scores that are kept with all that is needed to recompute a single row.
SELECT
    COUNT(DISTINCT RUN_ID) AS RAN, 0 AS BY_HAND,
    COUNT(*) || ' scores kept with version, run and features, so that each can be recomputed by itself' AS EVIDENCE
FROM {{ identifier(database, 'SERVING', 'SCORED') }}
WHERE FEATURES IS NOT NULL AND MODEL_VERSION IS NOT NULL AND RUN_ID IS NOT NULL

-- name: challengers_score_before_promotion
-- Versions that scored new rows as challengers, as shadow or canary, before they were promoted.
SELECT
    COUNT(DISTINCT L.TO_VERSION) AS RAN, 0 AS BY_HAND,
    COUNT(DISTINCT L.TO_VERSION) || ' versions scored as challengers in ' || COUNT(DISTINCT C.RUN_ID)
        || ' runs before they were promoted' AS EVIDENCE
FROM {{ identifier(database, 'OPS', 'CHALLENGES') }} AS C
JOIN {{ identifier(database, 'OPS', 'LEDGER') }} AS L
    ON L.ACTION = 'promote' AND L.TO_VERSION = C.CHALLENGER AND L.DONE_AT >= C.NOTED_AT
WHERE C.ROWS_SCORED > 0 AND C.ERROR IS NULL

-- name: rollback_is_rehearsed
-- Rehearsals of a rollback; a rollback that a person did is in the ledger.
SELECT
    (SELECT COUNT(*) FROM {{ identifier(database, 'OPS', 'REHEARSALS') }} WHERE NAME = 'ROLLBACK_REHEARSED' AND PASSED) AS RAN,
    (SELECT COUNT(*) FROM {{ identifier(database, 'OPS', 'LEDGER') }} WHERE ACTION = 'rollback') AS BY_HAND,
    (SELECT COUNT(*) FROM {{ identifier(database, 'OPS', 'REHEARSALS') }} WHERE NAME = 'ROLLBACK_REHEARSED' AND PASSED)
        || ' rehearsals passed, ' || (SELECT COUNT(*) FROM {{ identifier(database, 'OPS', 'LEDGER') }} WHERE ACTION = 'rollback')
        || ' rollbacks in the ledger' AS EVIDENCE

-- name: dependency_changes_are_reported
-- Comparisons of the declared packages with those of the champion; a change fails the run.
SELECT
    COUNT(*) AS RAN, 0 AS BY_HAND,
    'declared packages compared with those of the champion ' || COUNT(*) || ' times, ' || COUNT_IF(NOT PASSED) || ' changes reported' AS EVIDENCE
FROM {{ identifier(database, 'OPS', 'MONITORING_CHECKS') }}
WHERE NAME = 'DEPENDENCIES'

-- name: arriving_rows_are_checked
-- Scoring runs that checked each new row against the contract.
SELECT
    COUNT(*) AS RAN, 0 AS BY_HAND,
    COUNT(*) || ' scoring runs checked ' || SUM(ROWS_READ)::NUMBER(38,0) || ' new rows against the contract, '
        || SUM(ROWS_QUARANTINED)::NUMBER(38,0) || ' were quarantined' AS EVIDENCE
FROM {{ identifier(database, 'OPS', 'RUNS') }}
WHERE ROWS_READ > 0 AND ROWS_QUARANTINED IS NOT NULL AND ERROR IS NULL

-- name: training_and_serving_agree
-- Verdicts that compared scores by SQL with scores by Python.
SELECT
    COUNT(DISTINCT VERDICT_ID) AS RAN, 0 AS BY_HAND,
    COUNT(DISTINCT VERDICT_ID) || ' verdicts compared scores of the same rows by the serving path and by Python, greatest '
        || 'difference ' || MAX(VALUE) AS EVIDENCE
FROM {{ identifier(database, 'OPS', 'VERDICTS') }}
WHERE CHECK_NAME = 'SKEW' AND VALUE IS NOT NULL

-- name: champion_age_is_checked
-- Checks of the champion's age.
SELECT
    COUNT(*) AS RAN, 0 AS BY_HAND,
    'age of the champion checked ' || COUNT(*) || ' times, ' || COUNT_IF(NOT PASSED) || ' times it was too old; last: '
        || MAX_BY(REASON, CHECKED_AT) AS EVIDENCE
FROM {{ identifier(database, 'OPS', 'MONITORING_CHECKS') }}
WHERE NAME = 'CHAMPION_AGE'

-- name: scores_are_finite
-- Checks that served scores are finite; where the least and the greatest are kept, a person can check.
SELECT
    (SELECT COUNT(*) FROM {{ identifier(database, 'OPS', 'MONITORING_CHECKS') }} WHERE NAME = 'SCORES_FINITE') AS RAN,
    COUNT(*) AS BY_HAND,
    'least, mean and greatest score of ' || COUNT(*) || ' runs kept' || COALESCE('; last check: ' || (
        SELECT MAX_BY(REASON, CHECKED_AT) FROM {{ identifier(database, 'OPS', 'MONITORING_CHECKS') }} WHERE NAME = 'SCORES_FINITE'
    ), '') AS EVIDENCE
FROM {{ identifier(database, 'OPS', 'METRICS') }}
WHERE MIN_SCORE IS NOT NULL AND MAX_SCORE IS NOT NULL

-- name: scoring_time_is_checked
-- Comparisons of a run's time with earlier runs; where the times of tasks are kept, a person can compare.
SELECT
    (SELECT COUNT(*) FROM {{ identifier(database, 'OPS', 'MONITORING_CHECKS') }} WHERE NAME = 'SCORING_TIME') AS RAN,
    COUNT(*) AS BY_HAND,
    'start and end of ' || COUNT(*) || ' runs of the tasks kept' || COALESCE('; last check: ' || (
        SELECT MAX_BY(REASON, CHECKED_AT) FROM {{ identifier(database, 'OPS', 'MONITORING_CHECKS') }} WHERE NAME = 'SCORING_TIME'
    ), '') AS EVIDENCE
FROM {{ identifier(database, 'OPS', 'TASK_RUNS') }}
WHERE STARTED_AT IS NOT NULL AND FINISHED_AT IS NOT NULL

-- name: served_quality_is_checked
-- Measurements of the served scores against the metric's bound.
SELECT
    COUNT(*) AS RAN, 0 AS BY_HAND,
    'served scores were measured ' || COUNT(*) || ' times, they kept the bound ' || COUNT_IF(PASSED) || ' times' AS EVIDENCE
FROM {{ identifier(database, 'OPS', 'REHEARSALS') }}
WHERE NAME = 'SERVED_SCORES_MEASURED' AND BOUND IS NOT NULL AND VALUE IS NOT NULL

-- name: done_by_hand
-- Tests that people did and wrote down.
SELECT TEST, RESULT, DOCUMENT, DONE_BY, DONE_AT
FROM {{ identifier(database, 'OPS', 'TESTS_BY_HAND') }}
ORDER BY DONE_AT

-- name: record_by_hand
INSERT INTO {{ identifier(database, 'OPS', 'TESTS_BY_HAND') }} (TEST, RESULT, DOCUMENT, DONE_BY, DONE_AT)
SELECT {{ test|bind }}, {{ result|bind }}, {{ document|bind }}, CURRENT_USER(), SYSDATE()
