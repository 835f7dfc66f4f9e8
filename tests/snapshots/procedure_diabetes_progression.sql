-- versions
SHOW VERSIONS IN MODEL "DIABETES_PROGRESSION_DEV"."MODELS"."DIABETES_PROGRESSION"
;

-- recorded_champion
-- The last change of the champion: which version the ledger says is champion, and which one was before.
SELECT TO_VERSION, FROM_VERSION
FROM "DIABETES_PROGRESSION_DEV"."OPS"."LEDGER"
WHERE ACTION IN ('promote', 'rollback')
ORDER BY ENTRY DESC
LIMIT 1
;

-- refusal (version, version)
-- Why the gate's verdict does not let a version serve, or NULL.
SELECT CASE
    WHEN COUNT(*) = 0 THEN 'the gate has not judged it'
    WHEN COUNT_IF(CHECK_NAME = 'OVERRIDE') > 0 THEN
        NULL
    WHEN COUNT_IF(NOT PASSED) > 0 THEN 'the gate refused it: '
        || LISTAGG(CASE WHEN NOT PASSED THEN REASON END, '; ')
END AS REASON,
    MAX(VERDICT_ID) AS VERDICT_ID
FROM "DIABETES_PROGRESSION_DEV"."OPS"."VERDICTS"
WHERE VERDICT_ID = COALESCE(
    (
        SELECT VERDICT_ID FROM "DIABETES_PROGRESSION_DEV"."OPS"."LEDGER"
        WHERE ACTION IN ('promote', 'rollback') AND TO_VERSION = ? AND VERDICT_ID IS NOT NULL
        ORDER BY ENTRY DESC
        LIMIT 1
    ),
    (
        SELECT VERDICT_ID FROM "DIABETES_PROGRESSION_DEV"."OPS"."VERDICTS"
        WHERE MODEL_NAME = 'DIABETES_PROGRESSION' AND MODEL_VERSION = ?
        ORDER BY DECIDED_AT DESC, VERDICT_ID
        LIMIT 1
    ),
    'none'
)
;

-- of_training_set (training_set)
SELECT FEATURES_SQL FROM "DIABETES_PROGRESSION_DEV"."OPS"."TRAINING_SETS" WHERE FINGERPRINT = ?
;

-- owner
SELECT HOLDER FROM "DIABETES_PROGRESSION_DEV"."OPS"."REPAIR_LOCK"
;

-- acquire (owner, previous_owner)
-- Scoring runs, requeues and recoveries exclude each other: the lock is held until the transaction ends. No row is updated if
-- the owner has changed since it was read.
UPDATE "DIABETES_PROGRESSION_DEV"."OPS"."REPAIR_LOCK" SET HOLDER = ? WHERE HOLDER = ?
;

-- count_rows
SELECT COUNT(*) AS N FROM "DIABETES_PROGRESSION_DEV"."RAW"."PATIENT_STREAM"
;

-- quarantine_rows (run_id)
-- Keeps the rows that break the contract, each with its reason.
INSERT INTO "DIABETES_PROGRESSION_DEV"."SERVING"."QUARANTINE"
    ("PATIENT_ID", "AGE", "SEX", "BMI", "BP", "S1", "S2", "S3", "S4", "S5", "S6", "TARGET", REASON, SOURCE, RUN_ID, QUARANTINED_AT)
WITH
ARRIVED AS (
    SELECT
        S."PATIENT_ID", S."AGE", S."SEX", S."BMI", S."BP", S."S1", S."S2", S."S3", S."S4", S."S5", S."S6", S."TARGET",
        S.METADATA$ROW_ID AS SNOWLOOP_ROW,
        (S."PATIENT_ID" IS NULL OR S."AGE" IS NULL OR COALESCE(S."AGE" < 0, FALSE) OR COALESCE(S."AGE" > 120, FALSE) OR S."SEX" IS NULL OR COALESCE(S."SEX" < 1, FALSE) OR COALESCE(S."SEX" > 2, FALSE) OR S."BMI" IS NULL OR COALESCE(S."BMI" < 10, FALSE) OR COALESCE(S."BMI" > 80, FALSE) OR S."BP" IS NULL OR COALESCE(S."BP" < 30, FALSE) OR COALESCE(S."BP" > 250, FALSE) OR S."S1" IS NULL OR COALESCE(S."S1" < 0, FALSE) OR COALESCE(S."S1" > 1000, FALSE) OR S."S2" IS NULL OR COALESCE(S."S2" < 0, FALSE) OR COALESCE(S."S2" > 1000, FALSE) OR S."S3" IS NULL OR COALESCE(S."S3" < 0, FALSE) OR COALESCE(S."S3" > 1000, FALSE) OR S."S4" IS NULL OR COALESCE(S."S4" < 0, FALSE) OR COALESCE(S."S4" > 1000, FALSE) OR S."S5" IS NULL OR COALESCE(S."S5" < 0, FALSE) OR COALESCE(S."S5" > 1000, FALSE) OR S."S6" IS NULL OR COALESCE(S."S6" < 0, FALSE) OR COALESCE(S."S6" > 1000, FALSE) OR COALESCE(S."TARGET" < 0, FALSE)) AS SNOWLOOP_BROKEN
    FROM "DIABETES_PROGRESSION_DEV"."RAW"."PATIENT_STREAM" AS S
),
-- Of several valid rows of a batch with one key, the first is scored.
REPEATED AS (
    SELECT "PATIENT_ID", MIN(SNOWLOOP_ROW) AS SNOWLOOP_FIRST
    FROM ARRIVED
    WHERE NOT SNOWLOOP_BROKEN
    GROUP BY "PATIENT_ID"
    HAVING COUNT(*) > 1
),
-- Keys of this batch that were scored or were in the source before; the batch is small, so it is the build side of the join.
SEEN AS (
    SELECT P."PATIENT_ID", MIN(P.SNOWLOOP_SEEN) AS SNOWLOOP_SEEN
    FROM (
        SELECT "PATIENT_ID", 'duplicate key: a row with it was scored before' AS SNOWLOOP_SEEN
        FROM "DIABETES_PROGRESSION_DEV"."SERVING"."SCORED"
        UNION ALL
        SELECT "PATIENT_ID", 'duplicate key: the source had it before scoring began'
        FROM "DIABETES_PROGRESSION_DEV"."SERVING"."BASELINE"
    ) AS P
    JOIN (SELECT DISTINCT "PATIENT_ID" FROM ARRIVED) AS A ON A."PATIENT_ID" = P."PATIENT_ID"
    GROUP BY P."PATIENT_ID"
),
CHECKED AS (
    SELECT
        S."PATIENT_ID", S."AGE", S."SEX", S."BMI", S."BP", S."S1", S."S2", S."S3", S."S4", S."S5", S."S6", S."TARGET",
        CASE
            WHEN S.SNOWLOOP_BROKEN THEN SUBSTR(CASE WHEN S."PATIENT_ID" IS NULL THEN '; ' || 'PATIENT_ID must not be null' ELSE '' END
    || CASE WHEN S."AGE" IS NULL THEN '; ' || 'AGE must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."AGE" < 0, FALSE) THEN '; ' || 'AGE must be at least 0, it is ' || COALESCE(S."AGE"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN COALESCE(S."AGE" > 120, FALSE) THEN '; ' || 'AGE must be at most 120, it is ' || COALESCE(S."AGE"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN S."SEX" IS NULL THEN '; ' || 'SEX must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."SEX" < 1, FALSE) THEN '; ' || 'SEX must be at least 1, it is ' || COALESCE(S."SEX"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN COALESCE(S."SEX" > 2, FALSE) THEN '; ' || 'SEX must be at most 2, it is ' || COALESCE(S."SEX"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN S."BMI" IS NULL THEN '; ' || 'BMI must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."BMI" < 10, FALSE) THEN '; ' || 'BMI must be at least 10, it is ' || COALESCE(S."BMI"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN COALESCE(S."BMI" > 80, FALSE) THEN '; ' || 'BMI must be at most 80, it is ' || COALESCE(S."BMI"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN S."BP" IS NULL THEN '; ' || 'BP must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."BP" < 30, FALSE) THEN '; ' || 'BP must be at least 30, it is ' || COALESCE(S."BP"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN COALESCE(S."BP" > 250, FALSE) THEN '; ' || 'BP must be at most 250, it is ' || COALESCE(S."BP"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN S."S1" IS NULL THEN '; ' || 'S1 must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."S1" < 0, FALSE) THEN '; ' || 'S1 must be at least 0, it is ' || COALESCE(S."S1"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN COALESCE(S."S1" > 1000, FALSE) THEN '; ' || 'S1 must be at most 1000, it is ' || COALESCE(S."S1"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN S."S2" IS NULL THEN '; ' || 'S2 must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."S2" < 0, FALSE) THEN '; ' || 'S2 must be at least 0, it is ' || COALESCE(S."S2"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN COALESCE(S."S2" > 1000, FALSE) THEN '; ' || 'S2 must be at most 1000, it is ' || COALESCE(S."S2"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN S."S3" IS NULL THEN '; ' || 'S3 must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."S3" < 0, FALSE) THEN '; ' || 'S3 must be at least 0, it is ' || COALESCE(S."S3"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN COALESCE(S."S3" > 1000, FALSE) THEN '; ' || 'S3 must be at most 1000, it is ' || COALESCE(S."S3"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN S."S4" IS NULL THEN '; ' || 'S4 must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."S4" < 0, FALSE) THEN '; ' || 'S4 must be at least 0, it is ' || COALESCE(S."S4"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN COALESCE(S."S4" > 1000, FALSE) THEN '; ' || 'S4 must be at most 1000, it is ' || COALESCE(S."S4"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN S."S5" IS NULL THEN '; ' || 'S5 must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."S5" < 0, FALSE) THEN '; ' || 'S5 must be at least 0, it is ' || COALESCE(S."S5"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN COALESCE(S."S5" > 1000, FALSE) THEN '; ' || 'S5 must be at most 1000, it is ' || COALESCE(S."S5"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN S."S6" IS NULL THEN '; ' || 'S6 must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."S6" < 0, FALSE) THEN '; ' || 'S6 must be at least 0, it is ' || COALESCE(S."S6"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN COALESCE(S."S6" > 1000, FALSE) THEN '; ' || 'S6 must be at most 1000, it is ' || COALESCE(S."S6"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN COALESCE(S."TARGET" < 0, FALSE) THEN '; ' || 'TARGET must be at least 0, it is ' || COALESCE(S."TARGET"::VARCHAR, 'null') ELSE '' END, 3)
            WHEN N.SNOWLOOP_SEEN IS NOT NULL THEN N.SNOWLOOP_SEEN
            WHEN S.SNOWLOOP_ROW <> R.SNOWLOOP_FIRST THEN 'duplicate key: another row of the same batch has it'
        END AS SNOWLOOP_REASON
    FROM ARRIVED AS S
    LEFT JOIN SEEN AS N ON N."PATIENT_ID" = S."PATIENT_ID"
    LEFT JOIN REPEATED AS R ON R."PATIENT_ID" = S."PATIENT_ID"
)
SELECT "PATIENT_ID", "AGE", "SEX", "BMI", "BP", "S1", "S2", "S3", "S4", "S5", "S6", "TARGET", SNOWLOOP_REASON, 'RAW.PATIENT', ?, SYSDATE()
FROM CHECKED
WHERE SNOWLOOP_REASON IS NOT NULL
;

-- score_rows (model_version, run_id)
-- Scores the rows that keep the contract. Their features come from the same features.sql that built the training set.
INSERT INTO "DIABETES_PROGRESSION_DEV"."SERVING"."SCORED"
    ("PATIENT_ID", SCORE, MODEL_VERSION, RUN_ID, SCORED_AT, FEATURES)
WITH
ARRIVED AS (
    SELECT
        S."PATIENT_ID", S."AGE", S."SEX", S."BMI", S."BP", S."S1", S."S2", S."S3", S."S4", S."S5", S."S6", S."TARGET",
        S.METADATA$ROW_ID AS SNOWLOOP_ROW,
        (S."PATIENT_ID" IS NULL OR S."AGE" IS NULL OR COALESCE(S."AGE" < 0, FALSE) OR COALESCE(S."AGE" > 120, FALSE) OR S."SEX" IS NULL OR COALESCE(S."SEX" < 1, FALSE) OR COALESCE(S."SEX" > 2, FALSE) OR S."BMI" IS NULL OR COALESCE(S."BMI" < 10, FALSE) OR COALESCE(S."BMI" > 80, FALSE) OR S."BP" IS NULL OR COALESCE(S."BP" < 30, FALSE) OR COALESCE(S."BP" > 250, FALSE) OR S."S1" IS NULL OR COALESCE(S."S1" < 0, FALSE) OR COALESCE(S."S1" > 1000, FALSE) OR S."S2" IS NULL OR COALESCE(S."S2" < 0, FALSE) OR COALESCE(S."S2" > 1000, FALSE) OR S."S3" IS NULL OR COALESCE(S."S3" < 0, FALSE) OR COALESCE(S."S3" > 1000, FALSE) OR S."S4" IS NULL OR COALESCE(S."S4" < 0, FALSE) OR COALESCE(S."S4" > 1000, FALSE) OR S."S5" IS NULL OR COALESCE(S."S5" < 0, FALSE) OR COALESCE(S."S5" > 1000, FALSE) OR S."S6" IS NULL OR COALESCE(S."S6" < 0, FALSE) OR COALESCE(S."S6" > 1000, FALSE) OR COALESCE(S."TARGET" < 0, FALSE)) AS SNOWLOOP_BROKEN
    FROM "DIABETES_PROGRESSION_DEV"."RAW"."PATIENT_STREAM" AS S
),
-- Of several valid rows of a batch with one key, the first is scored.
REPEATED AS (
    SELECT "PATIENT_ID", MIN(SNOWLOOP_ROW) AS SNOWLOOP_FIRST
    FROM ARRIVED
    WHERE NOT SNOWLOOP_BROKEN
    GROUP BY "PATIENT_ID"
    HAVING COUNT(*) > 1
),
-- Keys of this batch that were scored or were in the source before; the batch is small, so it is the build side of the join.
SEEN AS (
    SELECT P."PATIENT_ID", MIN(P.SNOWLOOP_SEEN) AS SNOWLOOP_SEEN
    FROM (
        SELECT "PATIENT_ID", 'duplicate key: a row with it was scored before' AS SNOWLOOP_SEEN
        FROM "DIABETES_PROGRESSION_DEV"."SERVING"."SCORED"
        UNION ALL
        SELECT "PATIENT_ID", 'duplicate key: the source had it before scoring began'
        FROM "DIABETES_PROGRESSION_DEV"."SERVING"."BASELINE"
    ) AS P
    JOIN (SELECT DISTINCT "PATIENT_ID" FROM ARRIVED) AS A ON A."PATIENT_ID" = P."PATIENT_ID"
    GROUP BY P."PATIENT_ID"
),
CHECKED AS (
    SELECT
        S."PATIENT_ID", S."AGE", S."SEX", S."BMI", S."BP", S."S1", S."S2", S."S3", S."S4", S."S5", S."S6", S."TARGET",
        CASE
            WHEN S.SNOWLOOP_BROKEN THEN SUBSTR(CASE WHEN S."PATIENT_ID" IS NULL THEN '; ' || 'PATIENT_ID must not be null' ELSE '' END
    || CASE WHEN S."AGE" IS NULL THEN '; ' || 'AGE must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."AGE" < 0, FALSE) THEN '; ' || 'AGE must be at least 0, it is ' || COALESCE(S."AGE"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN COALESCE(S."AGE" > 120, FALSE) THEN '; ' || 'AGE must be at most 120, it is ' || COALESCE(S."AGE"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN S."SEX" IS NULL THEN '; ' || 'SEX must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."SEX" < 1, FALSE) THEN '; ' || 'SEX must be at least 1, it is ' || COALESCE(S."SEX"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN COALESCE(S."SEX" > 2, FALSE) THEN '; ' || 'SEX must be at most 2, it is ' || COALESCE(S."SEX"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN S."BMI" IS NULL THEN '; ' || 'BMI must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."BMI" < 10, FALSE) THEN '; ' || 'BMI must be at least 10, it is ' || COALESCE(S."BMI"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN COALESCE(S."BMI" > 80, FALSE) THEN '; ' || 'BMI must be at most 80, it is ' || COALESCE(S."BMI"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN S."BP" IS NULL THEN '; ' || 'BP must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."BP" < 30, FALSE) THEN '; ' || 'BP must be at least 30, it is ' || COALESCE(S."BP"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN COALESCE(S."BP" > 250, FALSE) THEN '; ' || 'BP must be at most 250, it is ' || COALESCE(S."BP"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN S."S1" IS NULL THEN '; ' || 'S1 must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."S1" < 0, FALSE) THEN '; ' || 'S1 must be at least 0, it is ' || COALESCE(S."S1"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN COALESCE(S."S1" > 1000, FALSE) THEN '; ' || 'S1 must be at most 1000, it is ' || COALESCE(S."S1"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN S."S2" IS NULL THEN '; ' || 'S2 must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."S2" < 0, FALSE) THEN '; ' || 'S2 must be at least 0, it is ' || COALESCE(S."S2"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN COALESCE(S."S2" > 1000, FALSE) THEN '; ' || 'S2 must be at most 1000, it is ' || COALESCE(S."S2"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN S."S3" IS NULL THEN '; ' || 'S3 must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."S3" < 0, FALSE) THEN '; ' || 'S3 must be at least 0, it is ' || COALESCE(S."S3"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN COALESCE(S."S3" > 1000, FALSE) THEN '; ' || 'S3 must be at most 1000, it is ' || COALESCE(S."S3"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN S."S4" IS NULL THEN '; ' || 'S4 must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."S4" < 0, FALSE) THEN '; ' || 'S4 must be at least 0, it is ' || COALESCE(S."S4"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN COALESCE(S."S4" > 1000, FALSE) THEN '; ' || 'S4 must be at most 1000, it is ' || COALESCE(S."S4"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN S."S5" IS NULL THEN '; ' || 'S5 must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."S5" < 0, FALSE) THEN '; ' || 'S5 must be at least 0, it is ' || COALESCE(S."S5"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN COALESCE(S."S5" > 1000, FALSE) THEN '; ' || 'S5 must be at most 1000, it is ' || COALESCE(S."S5"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN S."S6" IS NULL THEN '; ' || 'S6 must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."S6" < 0, FALSE) THEN '; ' || 'S6 must be at least 0, it is ' || COALESCE(S."S6"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN COALESCE(S."S6" > 1000, FALSE) THEN '; ' || 'S6 must be at most 1000, it is ' || COALESCE(S."S6"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN COALESCE(S."TARGET" < 0, FALSE) THEN '; ' || 'TARGET must be at least 0, it is ' || COALESCE(S."TARGET"::VARCHAR, 'null') ELSE '' END, 3)
            WHEN N.SNOWLOOP_SEEN IS NOT NULL THEN N.SNOWLOOP_SEEN
            WHEN S.SNOWLOOP_ROW <> R.SNOWLOOP_FIRST THEN 'duplicate key: another row of the same batch has it'
        END AS SNOWLOOP_REASON
    FROM ARRIVED AS S
    LEFT JOIN SEEN AS N ON N."PATIENT_ID" = S."PATIENT_ID"
    LEFT JOIN REPEATED AS R ON R."PATIENT_ID" = S."PATIENT_ID"
),
CLEAN AS (
    SELECT "PATIENT_ID", "AGE", "SEX", "BMI", "BP", "S1", "S2", "S3", "S4", "S5", "S6", "TARGET" FROM CHECKED WHERE SNOWLOOP_REASON IS NULL
),
FEATURE_ROWS AS (
-- One row a patient: the ten measurements at baseline.
SELECT
    PATIENT_ID,
    AGE,
    SEX,
    BMI,
    BP,
    S1,
    S2,
    S3,
    S4,
    S5,
    S6
FROM CLEAN
)
SELECT
    F."PATIENT_ID",
    MODEL("DIABETES_PROGRESSION_DEV"."MODELS"."DIABETES_PROGRESSION", "<version>")!PREDICT(
        F."AMT"::FLOAT,
        F."KIND"::VARCHAR
    ):"output_feature_0"::FLOAT,
    ?,
    ?,
    SYSDATE(),
    OBJECT_CONSTRUCT_KEEP_NULL(F.*)
FROM FEATURE_ROWS AS F
;

-- keys_not_once (run_id, run_id)
-- After the scores were written: each new row must be in SCORED or in QUARANTINE, by its key.
SELECT
COALESCE("PATIENT_ID"::VARCHAR, 'null') AS SNOWLOOP_KEY,
    SUM(SNOWLOOP_ROW) AS SNOWLOOP_ROWS,
    SUM(SNOWLOOP_RESULT) AS SNOWLOOP_RESULTS,
    COUNT(*) OVER () AS SNOWLOOP_KEYS
FROM (
    SELECT "PATIENT_ID", 1 AS SNOWLOOP_ROW, 0 AS SNOWLOOP_RESULT FROM (SELECT "PATIENT_ID" FROM "DIABETES_PROGRESSION_DEV"."RAW"."PATIENT_STREAM") AS W
    UNION ALL
    SELECT "PATIENT_ID", 0, 1 FROM (
    SELECT "PATIENT_ID" FROM "DIABETES_PROGRESSION_DEV"."SERVING"."SCORED"
    WHERE RUN_ID = ?
    UNION ALL
    SELECT "PATIENT_ID" FROM "DIABETES_PROGRESSION_DEV"."SERVING"."QUARANTINE"
    WHERE RUN_ID = ?
)
 AS G
) AS K
GROUP BY "PATIENT_ID"
HAVING SUM(SNOWLOOP_ROW) <> SUM(SNOWLOOP_RESULT)
ORDER BY "PATIENT_ID"
LIMIT 5
;

-- count_bins (run_id, model_version, training_set, model_version, run_id, model_version)
-- How many of the rows that a version scored in this run are in each bin of its baseline; nothing, if it has no baseline. The
-- features are computed once more, of the rows that have a score, and the model is not called.
INSERT INTO "DIABETES_PROGRESSION_DEV"."OPS"."DRIFT_COUNTS"
    (RUN_ID, KIND, MODEL_VERSION, COLUMN_NAME, BIN, N, TOTAL, COUNTED_AT)
WITH
CHECKED AS ( -- of several valid rows of a batch with one key, the first was scored
    SELECT S."PATIENT_ID", S."AGE", S."SEX", S."BMI", S."BP", S."S1", S."S2", S."S3", S."S4", S."S5", S."S6", S."TARGET"
    FROM "DIABETES_PROGRESSION_DEV"."RAW"."PATIENT_STREAM" AS S
    WHERE NOT (S."PATIENT_ID" IS NULL OR S."AGE" IS NULL OR COALESCE(S."AGE" < 0, FALSE) OR COALESCE(S."AGE" > 120, FALSE) OR S."SEX" IS NULL OR COALESCE(S."SEX" < 1, FALSE) OR COALESCE(S."SEX" > 2, FALSE) OR S."BMI" IS NULL OR COALESCE(S."BMI" < 10, FALSE) OR COALESCE(S."BMI" > 80, FALSE) OR S."BP" IS NULL OR COALESCE(S."BP" < 30, FALSE) OR COALESCE(S."BP" > 250, FALSE) OR S."S1" IS NULL OR COALESCE(S."S1" < 0, FALSE) OR COALESCE(S."S1" > 1000, FALSE) OR S."S2" IS NULL OR COALESCE(S."S2" < 0, FALSE) OR COALESCE(S."S2" > 1000, FALSE) OR S."S3" IS NULL OR COALESCE(S."S3" < 0, FALSE) OR COALESCE(S."S3" > 1000, FALSE) OR S."S4" IS NULL OR COALESCE(S."S4" < 0, FALSE) OR COALESCE(S."S4" > 1000, FALSE) OR S."S5" IS NULL OR COALESCE(S."S5" < 0, FALSE) OR COALESCE(S."S5" > 1000, FALSE) OR S."S6" IS NULL OR COALESCE(S."S6" < 0, FALSE) OR COALESCE(S."S6" > 1000, FALSE) OR COALESCE(S."TARGET" < 0, FALSE))
    QUALIFY ROW_NUMBER() OVER (PARTITION BY S."PATIENT_ID" ORDER BY S.METADATA$ROW_ID) = 1
)
,
SCORES AS (
    SELECT "PATIENT_ID", SCORE AS "(score)"
    FROM "DIABETES_PROGRESSION_DEV"."SERVING"."SCORED"
    WHERE RUN_ID = ? AND MODEL_VERSION = ?
),
CLEAN AS (
    SELECT C."PATIENT_ID", C."AGE", C."SEX", C."BMI", C."BP", C."S1", C."S2", C."S3", C."S4", C."S5", C."S6", C."TARGET" FROM CHECKED AS C
    JOIN SCORES AS D ON D."PATIENT_ID" = C."PATIENT_ID"
),
FEATURE_ROWS AS (
-- One row a patient: the ten measurements at baseline.
SELECT
    PATIENT_ID,
    AGE,
    SEX,
    BMI,
    BP,
    S1,
    S2,
    S3,
    S4,
    S5,
    S6
FROM CLEAN
),
COUNTED_ROWS AS (
    SELECT
        COALESCE(F."AMT"::FLOAT, 'NaN'::FLOAT) AS "AMT",
        COALESCE('=' || F."KIND"::VARCHAR, '')::VARCHAR AS "KIND",
        COALESCE(D."(score)"::FLOAT, 'NaN'::FLOAT) AS "(score)"
    FROM FEATURE_ROWS AS F
    JOIN SCORES AS D ON D."PATIENT_ID" = F."PATIENT_ID"
),
NUMBERS AS (
    SELECT SNOWLOOP_COLUMN, NULLIF(SNOWLOOP_VALUE, 'NaN'::FLOAT) AS SNOWLOOP_NUMBER
    FROM (SELECT "AMT", "(score)" FROM COUNTED_ROWS) AS N
    UNPIVOT (SNOWLOOP_VALUE FOR SNOWLOOP_COLUMN IN ("AMT", "(score)"))
),
TEXTS AS (
    SELECT SNOWLOOP_COLUMN, SNOWLOOP_VALUE AS SNOWLOOP_TEXT
    FROM (SELECT "KIND" FROM COUNTED_ROWS) AS T
    UNPIVOT (SNOWLOOP_VALUE FOR SNOWLOOP_COLUMN IN ("KIND"))
)
,
BINS AS (
    SELECT COLUMN_NAME, KIND, BIN, POSITION, LOWER, UPPER, CATEGORY
    FROM "DIABETES_PROGRESSION_DEV"."OPS"."BASELINES"
    WHERE TRAINING_SET = ? AND (MODEL_VERSION IS NULL OR MODEL_VERSION = ?)
),
EDGES AS (
    SELECT
        COLUMN_NAME, MAX(IFF(BIN = 'BELOW', UPPER, NULL)) AS LOW, MAX(IFF(BIN = 'ABOVE', LOWER, NULL)) AS HIGH,
        MAX(IFF(POSITION = 2, LOWER, NULL)) AS EDGE_2, MAX(IFF(POSITION = 3, LOWER, NULL)) AS EDGE_3, MAX(IFF(POSITION = 4, LOWER, NULL)) AS EDGE_4, MAX(IFF(POSITION = 5, LOWER, NULL)) AS EDGE_5, MAX(IFF(POSITION = 6, LOWER, NULL)) AS EDGE_6, MAX(IFF(POSITION = 7, LOWER, NULL)) AS EDGE_7, MAX(IFF(POSITION = 8, LOWER, NULL)) AS EDGE_8, MAX(IFF(POSITION = 9, LOWER, NULL)) AS EDGE_9, MAX(IFF(POSITION = 10, LOWER, NULL)) AS EDGE_10
    FROM BINS
    WHERE KIND = 'number'
    GROUP BY COLUMN_NAME
),
PLACED AS (
    SELECT
        SNOWLOOP_COLUMN AS COLUMN_NAME,
        CASE
            WHEN SNOWLOOP_NUMBER IS NULL THEN 'NULL'
            WHEN SNOWLOOP_NUMBER < E.LOW THEN 'BELOW'
            WHEN SNOWLOOP_NUMBER > E.HIGH THEN 'ABOVE'
            ELSE 'B' || LPAD((1 + IFF(SNOWLOOP_NUMBER >= E.EDGE_2, 1, 0) + IFF(SNOWLOOP_NUMBER >= E.EDGE_3, 1, 0) + IFF(SNOWLOOP_NUMBER >= E.EDGE_4, 1, 0) + IFF(SNOWLOOP_NUMBER >= E.EDGE_5, 1, 0) + IFF(SNOWLOOP_NUMBER >= E.EDGE_6, 1, 0) + IFF(SNOWLOOP_NUMBER >= E.EDGE_7, 1, 0) + IFF(SNOWLOOP_NUMBER >= E.EDGE_8, 1, 0) + IFF(SNOWLOOP_NUMBER >= E.EDGE_9, 1, 0) + IFF(SNOWLOOP_NUMBER >= E.EDGE_10, 1, 0))::VARCHAR, 2, '0')
        END AS BIN,
        IFF(ABS(SNOWLOOP_NUMBER) < 'inf'::FLOAT, SNOWLOOP_NUMBER, NULL) AS SNOWLOOP_NUMBER
    FROM NUMBERS
    JOIN EDGES AS E ON E.COLUMN_NAME = SNOWLOOP_COLUMN
    UNION ALL
    SELECT
        T.SNOWLOOP_COLUMN AS COLUMN_NAME,
        IFF(T.SNOWLOOP_TEXT = '', 'NULL', COALESCE(C.BIN, 'UNSEEN')) AS BIN,
        NULL::FLOAT AS SNOWLOOP_NUMBER
    FROM TEXTS AS T
    JOIN (SELECT DISTINCT COLUMN_NAME FROM BINS WHERE KIND = 'category') AS K ON K.COLUMN_NAME = T.SNOWLOOP_COLUMN
    LEFT JOIN BINS AS C ON C.COLUMN_NAME = T.SNOWLOOP_COLUMN AND '=' || C.CATEGORY = T.SNOWLOOP_TEXT
),
COUNTED AS (
    SELECT COLUMN_NAME, BIN, COUNT(*) AS N, SUM(SNOWLOOP_NUMBER) AS TOTAL
    FROM PLACED
    GROUP BY COLUMN_NAME, BIN
)
SELECT ?, NULL, ?, COLUMN_NAME, BIN, N, TOTAL, SYSDATE()
FROM COUNTED
;

-- record_run (run_id, model_version, rows_read, rows_scored, rows_quarantined, started_at)
INSERT INTO "DIABETES_PROGRESSION_DEV"."OPS"."RUNS" (
    RUN_ID, PROCEDURE_NAME, MODEL_NAME, MODEL_VERSION, STATE, ROWS_READ, ROWS_SCORED, ROWS_QUARANTINED, STARTED_AT, FINISHED_AT
)
SELECT
    ?, 'SCORE_NEW_ROWS', 'DIABETES_PROGRESSION', ?, 'SUCCEEDED',
    ?, ?, ?, ?::TIMESTAMP_NTZ, SYSDATE()
;

-- record_failure (run_id, model_version, error, started_at)
-- After the transaction was rolled back; MODEL_VERSION is NULL if the run failed before it knew its version.
INSERT INTO "DIABETES_PROGRESSION_DEV"."OPS"."RUNS" (
    RUN_ID, PROCEDURE_NAME, MODEL_NAME, MODEL_VERSION, STATE, ROWS_SCORED, ROWS_QUARANTINED, ERROR, STARTED_AT, FINISHED_AT
)
SELECT
    ?, 'SCORE_NEW_ROWS', 'DIABETES_PROGRESSION', ?, 'FAILED',
    0, 0, ?, ?::TIMESTAMP_NTZ, SYSDATE()
;
