-- score (model_version, run_id)
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
        AND COALESCE(SUBSTR(MD5('challenger' || '|' || "PATIENT_ID"::VARCHAR), 1, 8) < '19999999', FALSE)

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

-- begin (run_id, model_version, challenger)
-- Committed before the run's transaction: it remains if the run is killed or times out.
INSERT INTO "DIABETES_PROGRESSION_DEV"."OPS"."CHALLENGES" (RUN_ID, MODEL_NAME, MODE, CHAMPION, CHALLENGER, NOTED_AT)
SELECT ?, 'DIABETES_PROGRESSION', 'canary', ?, ?, SYSDATE()
;

-- unfinished (challenger, run_id, challenger)
-- The last run that began with this challenger, since it was named, and never finished.
SELECT RUN_ID
FROM "DIABETES_PROGRESSION_DEV"."OPS"."CHALLENGES"
WHERE CHALLENGER = ? AND ROWS_SCORED IS NULL AND RUN_ID <> ? AND NOTED_AT > (
    SELECT COALESCE(MAX(DONE_AT), '1970-01-01'::TIMESTAMP_NTZ)
    FROM "DIABETES_PROGRESSION_DEV"."OPS"."LEDGER"
    WHERE ACTION = 'challenge' AND TO_VERSION = ?
)
ORDER BY NOTED_AT DESC
LIMIT 1
;

-- record (rows_scored, error, run_id)
UPDATE "DIABETES_PROGRESSION_DEV"."OPS"."CHALLENGES"
SET ROWS_SCORED = ?, ERROR = ?, NOTED_AT = SYSDATE()
WHERE RUN_ID = ?
;

-- forget (run_id)
-- A run that could record its own failure was not held up by its challenger.
DELETE FROM "DIABETES_PROGRESSION_DEV"."OPS"."CHALLENGES" WHERE RUN_ID = ? AND ROWS_SCORED IS NULL
;

-- score_rest (model_version, run_id)
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
        AND NOT COALESCE(SUBSTR(MD5('challenger' || '|' || "PATIENT_ID"::VARCHAR), 1, 8) < '19999999', FALSE)

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

-- refusal (version)
-- Why the gate's verdict does not let a version serve, or NULL.
SELECT CASE
    WHEN COUNT(*) = 0 THEN 'the gate has not judged it'
    WHEN COUNT_IF(CHECK_NAME = 'OVERRIDE') > 0 THEN
        NULL
    WHEN COUNT_IF(NOT PASSED AND CHECK_NAME NOT IN ('NOT_WORSE_THAN_CHAMPION', 'NOT_WORSE_THAN_REFERENCE')) > 0 THEN 'the gate refused it: '
        || LISTAGG(CASE WHEN NOT PASSED AND CHECK_NAME NOT IN ('NOT_WORSE_THAN_CHAMPION', 'NOT_WORSE_THAN_REFERENCE') THEN REASON END, '; ')
END AS REASON,
    MAX(VERDICT_ID) AS VERDICT_ID
FROM "DIABETES_PROGRESSION_DEV"."OPS"."VERDICTS"
WHERE VERDICT_ID = COALESCE(
    (
        SELECT VERDICT_ID FROM "DIABETES_PROGRESSION_DEV"."OPS"."VERDICTS"
        WHERE MODEL_NAME = 'DIABETES_PROGRESSION' AND MODEL_VERSION = ?
        ORDER BY DECIDED_AT DESC, VERDICT_ID
        LIMIT 1
    ),
    'none'
)
;
