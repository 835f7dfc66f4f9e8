-- Evidence of the tests of the ML Test Score, a query a test: ASKED is above 0 if the test ran in the declared window and is
-- about the present champion, FAILED how much of its last outcome failed, EVIDENCE what is recorded. BY_HAND, where there is
-- one, is above 0 if a person did the test and it is recorded.

-- name: columns_are_checked
-- The declared rules of columns in the last run of the contract's checks; without a declared rule there is nothing.
{% import "monitoring/ml_test_score/macros.sql" as card with context %}
SELECT
    COUNT(*) AS ASKED, COUNT_IF(NOT PASSED) AS FAILED,
    COUNT(*) || ' declared rules of columns were checked last, ' || COUNT_IF(NOT PASSED) || ' are broken' AS EVIDENCE
FROM {{ identifier(database, 'OPS', 'CONTRACT_CHECKS') }}
WHERE CHECK_RUN = (
    SELECT CHECK_RUN FROM {{ identifier(database, 'OPS', 'CONTRACT_CHECKS') }}
    WHERE CHECKED_AT >= {{ card.since() }}
    ORDER BY CHECKED_AT DESC, CHECK_RUN
    LIMIT 1
) AND (
    {% for source, rule in rules %}
    (SOURCE = {{ source|bind }} AND CHECK_NAME = {{ rule|bind }}) OR
    {% endfor %}
    FALSE
)

-- name: features_are_beneficial
-- The permutation importance of each of the champion's features: one that is not above 0 adds nothing.
{% import "monitoring/ml_test_score/macros.sql" as card with context %}
SELECT
    COUNT(*) AS ASKED, COUNT_IF(VALUE <= 0) AS FAILED,
    'permutation importance of ' || COUNT(*) || ' features of the champion'
        || COALESCE(', without any: ' || NULLIF(LISTAGG(IFF(VALUE <= 0, SLICE, NULL), ', '), ''), '') AS EVIDENCE
FROM {{ identifier(database, 'OPS', 'EVALUATIONS') }}
WHERE NAME = 'importance' AND EVALUATION_ID = (
    SELECT EVALUATION_ID FROM {{ identifier(database, 'OPS', 'EVALUATIONS') }}
    WHERE NAME = 'importance' AND MODEL_VERSION = {{ judged|bind }} AND EVALUATED_AT >= {{ card.since() }}
    ORDER BY EVALUATED_AT DESC, EVALUATION_ID
    LIMIT 1
)

-- name: features_are_cheap
-- The time of each feature alone, over all rows, against the declared bound.
{% import "monitoring/ml_test_score/macros.sql" as card with context %}
SELECT
    COUNT(*) AS ASKED, COUNT_IF(VALUE > {{ most_milliseconds|bind }}) AS FAILED,
    'time to compute each of ' || COUNT(*) || ' features, the slowest ' || ROUND(MAX(VALUE), 1) || ' ms, '
        || {{ most_milliseconds|bind }} || ' ms are allowed' AS EVIDENCE
FROM {{ identifier(database, 'OPS', 'FEATURE_CHECKS') }}
WHERE CHECK_NAME = 'MILLISECONDS' AND TRAINING_SET = {{ training_set|bind }} AND CHECKED_AT >= {{ card.since() }}

-- name: features_do_not_leak
-- The last checks of the champion's training set for leakage, as far as they were asked.
{% import "monitoring/ml_test_score/macros.sql" as card with context %}
SELECT
    COUNT_IF(PASSED IS NOT NULL) AS ASKED, COUNT_IF(NOT PASSED) AS FAILED,
    COUNT_IF(PASSED IS NOT NULL) || ' checks of the champion''s training set for leakage, ' || COUNT_IF(NOT PASSED)
        || ' failed' AS EVIDENCE
FROM {{ identifier(database, 'OPS', 'LEAKAGE_CHECKS') }}
WHERE CHECK_ID = (
    SELECT CHECK_ID FROM {{ identifier(database, 'OPS', 'LEAKAGE_CHECKS') }}
    WHERE TRAINING_SET = {{ training_set|bind }} AND CHECKED_AT >= {{ card.since() }}
    ORDER BY CHECKED_AT DESC, CHECK_ID
    LIMIT 1
)

-- name: features_are_added_quickly
-- The last promotion that brought another features.sql into service: within a day of building its training set?
{% import "monitoring/ml_test_score/macros.sql" as card with context %}
SELECT
    COUNT(*) AS ASKED, COUNT_IF(SECONDS NOT BETWEEN 0 AND 86400) AS FAILED,
    'the last new features served ' || MAX(SECONDS)
        || ' s after their training set was built, past contract, leakage checks and gate' AS EVIDENCE
FROM (
    SELECT DATEDIFF('second', T.CREATED_AT, L.DONE_AT) AS SECONDS
    FROM {{ identifier(database, 'OPS', 'LEDGER') }} AS L
    JOIN {{ identifier(database, 'OPS', 'TRAINING_SETS') }} AS T ON T.FINGERPRINT = L.TRAINING_SET
    LEFT JOIN {{ identifier(database, 'OPS', 'LEDGER') }} AS B ON B.ACTION = 'promote' AND B.TO_VERSION = L.FROM_VERSION
    LEFT JOIN {{ identifier(database, 'OPS', 'TRAINING_SETS') }} AS S ON S.FINGERPRINT = B.TRAINING_SET
    WHERE L.ACTION = 'promote' AND L.DONE_AT >= {{ card.since() }} AND T.FEATURES_SQL IS DISTINCT FROM S.FEATURES_SQL
    QUALIFY ROW_NUMBER() OVER (ORDER BY L.ENTRY DESC) = 1
)

-- name: feature_code_is_tested
-- The champion's features.sql run twice over the same rows.
{% import "monitoring/ml_test_score/macros.sql" as card with context %}
SELECT
    COUNT(*) AS ASKED, COUNT_IF(NOT PASSED) AS FAILED,
    'features.sql run twice over the same rows and ' || COUNT(*) || ' features compared, ' || COUNT_IF(NOT PASSED)
        || ' differed' AS EVIDENCE
FROM {{ identifier(database, 'OPS', 'FEATURE_CHECKS') }}
WHERE CHECK_NAME = 'REPEATABLE' AND TRAINING_SET = {{ training_set|bind }} AND CHECKED_AT >= {{ card.since() }}

-- name: promotion_is_reviewed
-- Who approved the champion's promotion: of committed code, and not the user who promoted it.
{% import "monitoring/ml_test_score/macros.sql" as card with context %}
SELECT
    COUNT(*) AS ASKED,
    COUNT_IF(
        COALESCE(GIT_COMMIT, 'unknown') = 'unknown' OR GIT_COMMIT LIKE '%-dirty' OR UPPER(APPROVED_BY) = UPPER(DONE_BY)
    ) AS FAILED,
    'the promotion was approved by ' || MAX(APPROVED_BY) || ', done by ' || MAX(DONE_BY) || ', of commit '
        || COALESCE(MAX(GIT_COMMIT), 'unknown') AS EVIDENCE
FROM (
    SELECT APPROVED_BY, DONE_BY, GIT_COMMIT
    FROM {{ identifier(database, 'OPS', 'LEDGER') }}
    WHERE ACTION = 'promote' AND TO_VERSION = {{ champion|bind }} AND DONE_AT >= {{ card.since() }}
    QUALIFY ROW_NUMBER() OVER (ORDER BY ENTRY DESC) = 1
)
WHERE APPROVED_BY IS NOT NULL

-- name: offline_and_online_quality_correlate
-- Pearson's correlation over versions, of the metric on held-out rows and on scores that were served; three show one.
{% import "monitoring/ml_test_score/macros.sql" as card with context %}
SELECT
    IFF(N > 2, N, 0) AS ASKED, IFF(COALESCE(R, 0) > 0, 0, 1) AS FAILED,
    'correlation of {{ metric }} on held-out rows and of served scores over ' || N || ' versions: '
        || COALESCE(ROUND(R, 2)::VARCHAR, 'none') AS EVIDENCE
FROM (
    SELECT COUNT(*) AS N, CORR(O.VALUE, S.VALUE) AS R
    FROM (
        SELECT MODEL_VERSION, MAX_BY(VALUE, EVALUATED_AT) AS VALUE
        FROM {{ identifier(database, 'OPS', 'EVALUATIONS') }}
        WHERE NAME = {{ metric|bind }} AND SLICE IS NULL AND VALUE IS NOT NULL
        GROUP BY MODEL_VERSION
    ) AS O
    JOIN (
        SELECT MODEL_VERSION, MAX_BY(VALUE, DONE_AT) AS VALUE
        FROM {{ identifier(database, 'OPS', 'REHEARSALS') }}
        WHERE NAME = 'SERVED_SCORES_MEASURED' AND VALUE IS NOT NULL AND DONE_AT >= {{ card.since() }}
        GROUP BY MODEL_VERSION
    ) AS S ON TRUE
    LEFT JOIN (
        SELECT DISTINCT MODEL_VERSION, JUDGED_VERSION
        FROM {{ identifier(database, 'OPS', 'VERDICTS') }}
        WHERE JUDGED_VERSION IS NOT NULL
    ) AS R ON R.MODEL_VERSION = S.MODEL_VERSION
    WHERE O.MODEL_VERSION = COALESCE(R.JUDGED_VERSION, S.MODEL_VERSION)
)

-- name: hyperparameters_are_tuned
-- The combinations of the champion's search that were compared when it was judged, of those that are declared.
{% import "monitoring/ml_test_score/macros.sql" as card with context %}
SELECT
    COUNT(DISTINCT C.VALUE::VARCHAR) AS ASKED,
    GREATEST({{ searched|length|bind }} - COUNT(DISTINCT C.VALUE::VARCHAR), 0) AS FAILED,
    COUNT(DISTINCT C.VALUE::VARCHAR) || ' of ' || {{ searched|length|bind }}
        || ' combinations of the champion''s search could be trained and were compared with it' AS EVIDENCE
FROM {{ identifier(database, 'OPS', 'VERDICTS') }} AS V, LATERAL FLATTEN(INPUT => PARSE_JSON(V.CANDIDATES)) AS C
WHERE V.MODEL_VERSION = {{ judged|bind }} AND V.DECIDED_AT >= {{ card.since() }} AND (
    {% for candidate in searched %}
    STARTSWITH(C.VALUE::VARCHAR, {{ (candidate ~ "_")|upper|bind }}) OR
    {% endfor %}
    FALSE
)

-- name: staleness_is_measured
-- The last evaluation that measured an older champion on the rows of a later training set, next to a new version.
{% import "monitoring/ml_test_score/macros.sql" as card with context %}
SELECT
    COUNT(*) AS ASKED, COUNT_IF(OLD IS NULL OR NEW IS NULL) AS FAILED,
    'on the rows of a later training set the older champion has {{ metric }} ' || COALESCE(MAX(ROUND(OLD, 4))::VARCHAR, 'unmeasured')
        || ', the new version ' || COALESCE(MAX(ROUND(NEW, 4))::VARCHAR, 'unmeasured') AS EVIDENCE
FROM (
    SELECT IFF(D.DETAILS:same_rows::BOOLEAN, C.VALUE, NULL) AS OLD, E.VALUE AS NEW
    FROM {{ identifier(database, 'OPS', 'EVALUATION_DETAILS') }} AS D
    JOIN {{ identifier(database, 'OPS', 'EVALUATIONS') }} AS E
        ON E.EVALUATION_ID = D.EVALUATION_ID AND E.NAME = {{ metric|bind }} AND E.SLICE IS NULL
    JOIN {{ identifier(database, 'OPS', 'LEDGER') }} AS L
        ON L.ACTION = 'promote' AND L.TO_VERSION = D.DETAILS:champion::VARCHAR AND L.TRAINING_SET <> E.TRAINING_SET
    LEFT JOIN {{ identifier(database, 'OPS', 'EVALUATIONS') }} AS C
        ON C.EVALUATION_ID = D.EVALUATION_ID AND C.NAME = {{ ("champion " ~ metric)|bind }}
    WHERE D.EVALUATED_AT >= {{ card.since() }}
        AND (D.MODEL_VERSION = {{ judged|bind }} OR D.DETAILS:champion::VARCHAR = {{ champion|bind }})
    QUALIFY ROW_NUMBER() OVER (ORDER BY D.EVALUATED_AT DESC, D.EVALUATION_ID, L.ENTRY DESC) = 1
)

-- name: simpler_model_is_not_better
{% import "monitoring/ml_test_score/macros.sql" as card with context %}
{{ card.of_verdict("BASELINE_BEATEN") }}

-- name: slices_keep_their_bounds
{% import "monitoring/ml_test_score/macros.sql" as card with context %}
{{ card.of_verdict("SLICES") }}

-- name: groups_of_people_are_treated_alike
{% import "monitoring/ml_test_score/macros.sql" as card with context %}
{{ card.of_verdict("FAIRNESS") }}

-- name: training_is_reproducible
{% import "monitoring/ml_test_score/macros.sql" as card with context %}
{{ card.outcome() }}
FROM (
{{ card.newest_rehearsal("TRAINING_REPRODUCED") }}
)

-- name: model_code_is_tested
-- The tests of the last rehearsal of the champion, one a candidate.
{% import "monitoring/ml_test_score/macros.sql" as card with context %}
SELECT
    COUNT(*) AS ASKED, COUNT_IF(NOT PASSED) AS FAILED,
    'the estimators that build_model returns for ' || COUNT(*) || ' candidates were tested, ' || COUNT_IF(NOT PASSED)
        || ' failed' AS EVIDENCE
FROM (
    SELECT PASSED
    FROM {{ identifier(database, 'OPS', 'REHEARSALS') }}
    WHERE NAME = 'SPECIFICATION_TESTED' AND PASSED IS NOT NULL AND MODEL_VERSION = {{ champion|bind }}
        AND DONE_AT >= {{ card.since() }}
    QUALIFY DONE_AT = MAX(DONE_AT) OVER ()
)

-- name: pipeline_is_integration_tested
-- Runs of the loop with the champion, which was trained, judged and promoted here: files to scores, end to end.
{% import "monitoring/ml_test_score/macros.sql" as card with context %}
SELECT
    COUNT(*) AS ASKED, COUNT_IF(PLACE = 1 AND ERROR IS NOT NULL) AS FAILED,
    'files to scores end to end: ' || COUNT_IF(ERROR IS NULL) || ' runs of the native task scored with the champion, '
        || 'which was trained, judged and promoted here; the last run '
        || COALESCE('failed: ' || MAX(IFF(PLACE = 1, ERROR, NULL)), 'succeeded') AS EVIDENCE
FROM (
    SELECT R.ERROR, ROW_NUMBER() OVER (ORDER BY R.STARTED_AT DESC, R.RUN_ID) AS PLACE
    FROM {{ identifier(database, 'OPS', 'RUNS') }} AS R
    JOIN (
        SELECT MIN(DONE_AT) AS DONE_AT
        FROM {{ identifier(database, 'OPS', 'LEDGER') }}
        WHERE ACTION = 'promote' AND TO_VERSION = {{ champion|bind }} AND VERDICT_ID IS NOT NULL
    ) AS L ON R.STARTED_AT >= L.DONE_AT
    WHERE R.KIND IS NULL AND R.STARTED_AT >= {{ card.since() }}
        AND (R.ERROR IS NOT NULL OR (R.MODEL_VERSION = {{ champion|bind }} AND R.ROWS_SCORED > 0))
)

-- name: promotion_is_validated
-- The champion's last promotion: after a verdict of which no check failed; an override lets a version pass that failed.
{% import "monitoring/ml_test_score/macros.sql" as card with context %}
SELECT
    COUNT(*) AS ASKED, COUNT_IF(V.VERDICT_ID IS NULL OR V.FAILED > 0) AS FAILED,
    COALESCE('promoted after verdict ' || MAX(V.VERDICT_ID) || ': ' || MAX(V.PASSED) || ' checks passed, ' || MAX(V.FAILED)
        || ' failed, ' || MAX(V.NOT_ASKED) || ' not asked', 'promoted without a verdict') AS EVIDENCE
FROM (
    SELECT VERDICT_ID, DONE_AT
    FROM {{ identifier(database, 'OPS', 'LEDGER') }}
    WHERE ACTION = 'promote' AND TO_VERSION = {{ champion|bind }} AND DONE_AT >= {{ card.since() }}
    QUALIFY ROW_NUMBER() OVER (ORDER BY ENTRY DESC) = 1
) AS L
LEFT JOIN (
    SELECT
        VERDICT_ID, MIN(DECIDED_AT) AS DECIDED_AT, COUNT_IF(PASSED AND CHECK_NAME <> 'OVERRIDE') AS PASSED,
        COUNT_IF(NOT PASSED) AS FAILED, COUNT_IF(PASSED IS NULL) AS NOT_ASKED
    FROM {{ identifier(database, 'OPS', 'VERDICTS') }}
    GROUP BY VERDICT_ID
) AS V ON V.VERDICT_ID = L.VERDICT_ID AND V.DECIDED_AT <= L.DONE_AT

-- name: scores_are_traceable
-- The champion's scores, each with all that is needed to recompute it by itself.
{% import "monitoring/ml_test_score/macros.sql" as card with context %}
SELECT
    COUNT(*) AS ASKED, COUNT_IF(FEATURES IS NULL OR RUN_ID IS NULL) AS FAILED,
    COUNT_IF(FEATURES IS NOT NULL AND RUN_ID IS NOT NULL) || ' of ' || COUNT(*)
        || ' scores of the champion kept with version, run and features, so that each can be recomputed by itself' AS EVIDENCE
FROM {{ identifier(database, 'SERVING', 'SCORED') }}
WHERE MODEL_VERSION = {{ champion|bind }} AND SCORED_AT >= {{ card.since() }}

-- name: champion_was_a_canary
-- Runs in which the champion served a share of the keys before it was promoted; a shadow serves nobody.
{% import "monitoring/ml_test_score/macros.sql" as card with context %}
SELECT
    COUNT(*) AS ASKED, COUNT_IF(PLACE = 1 AND ERROR IS NOT NULL) AS FAILED,
    'the champion served as a canary in ' || COUNT_IF(ERROR IS NULL) || ' runs before it was promoted'
        || COALESCE(', the last one failed: ' || MAX(IFF(PLACE = 1, ERROR, NULL)), '') AS EVIDENCE
FROM (
    SELECT C.ERROR, ROW_NUMBER() OVER (ORDER BY C.NOTED_AT DESC, C.RUN_ID) AS PLACE
    FROM {{ identifier(database, 'OPS', 'CHALLENGES') }} AS C
    JOIN (
        SELECT MAX(DONE_AT) AS DONE_AT
        FROM {{ identifier(database, 'OPS', 'LEDGER') }}
        WHERE ACTION = 'promote' AND TO_VERSION = {{ champion|bind }}
    ) AS L ON C.NOTED_AT <= L.DONE_AT
    WHERE C.MODE = 'canary' AND C.CHALLENGER = {{ champion|bind }} AND C.NOTED_AT >= {{ card.since() }}
        AND (C.ROWS_SCORED > 0 OR C.ERROR IS NOT NULL)
)

-- name: rollback_is_rehearsed
-- The last rehearsal of a rollback since the champion last changed; a rollback that a person did is in the ledger.
{% import "monitoring/ml_test_score/macros.sql" as card with context %}
SELECT
    COUNT(R.PASSED) AS ASKED, COUNT_IF(NOT R.PASSED) AS FAILED, MAX(L.ROLLBACKS) AS BY_HAND,
    COALESCE(MAX(R.REASON), MAX(L.ROLLBACKS) || ' rollbacks in the ledger') AS EVIDENCE
FROM (
    SELECT COUNT_IF(ACTION = 'rollback' AND DONE_AT >= {{ card.since() }}) AS ROLLBACKS, MAX(DONE_AT) AS CHANGED_AT
    FROM {{ identifier(database, 'OPS', 'LEDGER') }}
    WHERE ACTION IN ('promote', 'rollback')
) AS L
LEFT JOIN (
    SELECT PASSED, REASON, DONE_AT
    FROM {{ identifier(database, 'OPS', 'REHEARSALS') }}
    WHERE NAME = 'ROLLBACK_REHEARSED' AND PASSED IS NOT NULL AND DONE_AT >= {{ card.since() }}
    QUALIFY ROW_NUMBER() OVER (ORDER BY DONE_AT DESC, REASON) = 1
) AS R ON R.DONE_AT >= L.CHANGED_AT

-- name: dependencies_are_compared
-- A package that is not the champion's fails the check, and with it the run, which is the notification.
{% import "monitoring/ml_test_score/macros.sql" as card with context %}
{{ card.outcome() }}
FROM (
{{ card.newest_monitoring("DEPENDENCIES") }}
)

-- name: invariants_hold
-- Rows that the loop checked against declared rules of the scored source; and the newest judgements of what broke them.
{% import "monitoring/ml_test_score/macros.sql" as card with context %}
SELECT
    IFF({{ (scored_rules > 0)|bind }}, R.RUNS, 0) AS ASKED, C.FAILED AS FAILED,
    R.RUNS || ' scoring runs checked ' || R.N || ' new rows against {{ scored_rules }} declared rules, ' || R.BROKEN
        || ' were quarantined' || COALESCE('; ' || C.REASONS, '') AS EVIDENCE
FROM (
    SELECT COUNT(*) AS RUNS, SUM(ROWS_READ)::NUMBER(38,0) AS N, SUM(ROWS_QUARANTINED)::NUMBER(38,0) AS BROKEN
    FROM {{ identifier(database, 'OPS', 'RUNS') }}
    WHERE KIND IS NULL AND ROWS_READ > 0 AND ROWS_QUARANTINED IS NOT NULL AND ERROR IS NULL
        AND MODEL_VERSION = {{ champion|bind }} AND STARTED_AT >= {{ card.since() }}
) AS R, (
    SELECT COUNT(*) AS FAILED, NULLIF(LISTAGG(REASON, '; '), '') AS REASONS
    FROM (
        SELECT PASSED, REASON
        FROM {{ identifier(database, 'OPS', 'MONITORING_CHECKS') }}
        WHERE NAME IN ('contract', 'quarantine') AND PASSED IS NOT NULL AND CHECKED_AT >= {{ card.since() }}
        QUALIFY ROW_NUMBER() OVER (PARTITION BY NAME ORDER BY WINDOW_END DESC, CHECKED_AT DESC) = 1
    )
    WHERE NOT PASSED
) AS C

-- name: training_and_serving_agree
{% import "monitoring/ml_test_score/macros.sql" as card with context %}
{{ card.of_verdict("SKEW") }}

-- name: champion_is_not_stale
{% import "monitoring/ml_test_score/macros.sql" as card with context %}
{{ card.outcome() }}
FROM (
{{ card.newest_monitoring("CHAMPION_AGE") }}
)

-- name: scores_are_finite
{% import "monitoring/ml_test_score/macros.sql" as card with context %}
{{ card.outcome() }}
FROM (
{{ card.newest_monitoring("SCORES_FINITE") }}
)

-- name: scoring_is_not_slower
{% import "monitoring/ml_test_score/macros.sql" as card with context %}
{{ card.outcome() }}
FROM (
{{ card.newest_monitoring("SCORING_TIME") }}
)

-- name: served_quality_is_kept
-- Served scores on labels that arrived later: the last rehearsal, and the newest window that was judged.
{% import "monitoring/ml_test_score/macros.sql" as card with context %}
SELECT COUNT(*) AS ASKED, COUNT_IF(NOT PASSED) AS FAILED, LISTAGG(REASON, '; ') AS EVIDENCE
FROM (
    SELECT * FROM (
    {{ card.newest_rehearsal("SERVED_SCORES_MEASURED") }}
    )
    UNION ALL
    SELECT * FROM (
    {{ card.newest_monitoring("performance") }}
    )
)

-- name: done_by_hand
-- Tests that people did in the window and wrote down.
{% import "monitoring/ml_test_score/macros.sql" as card with context %}
SELECT TEST, RESULT, DOCUMENT, DONE_BY, DONE_AT
FROM {{ identifier(database, 'OPS', 'TESTS_BY_HAND') }}
WHERE DONE_AT >= {{ card.since() }}
ORDER BY DONE_AT

-- name: record_by_hand
INSERT INTO {{ identifier(database, 'OPS', 'TESTS_BY_HAND') }} (TEST, RESULT, DOCUMENT, DONE_BY, DONE_AT)
SELECT {{ test|bind }}, {{ result|bind }}, {{ document|bind }}, CURRENT_USER(), SYSDATE()
