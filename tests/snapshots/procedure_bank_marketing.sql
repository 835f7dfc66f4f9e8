-- versions
SHOW VERSIONS IN MODEL "BANK_MARKETING_DEV"."MODELS"."BANK_MARKETING"
;

-- owner
SELECT HOLDER FROM "BANK_MARKETING_DEV"."OPS"."REPAIR_LOCK"
;

-- acquire (owner, previous_owner)
-- Scoring runs, requeues and recoveries exclude each other: the lock is held until the transaction ends. No row is updated if
-- the owner has changed since it was read.
UPDATE "BANK_MARKETING_DEV"."OPS"."REPAIR_LOCK" SET HOLDER = ? WHERE HOLDER = ?
;

-- count_rows
SELECT COUNT(*) AS N FROM "BANK_MARKETING_DEV"."RAW"."BANK_STREAM"
;

-- quarantine_rows (run_id)
-- Keeps the rows that break the contract, each with its reason.
INSERT INTO "BANK_MARKETING_DEV"."SERVING"."QUARANTINE"
    ("ROW_ID", "AGE", "JOB", "MARITAL", "EDUCATION", "IN_DEFAULT", "BALANCE", "HOUSING", "LOAN", "CONTACT", "DAY_OF_MONTH", "MONTH_NAME", "DURATION", "CAMPAIGN", "PDAYS", "PREVIOUS", "POUTCOME", "Y", REASON, SOURCE, RUN_ID, QUARANTINED_AT)
WITH
ARRIVED AS (
    SELECT
        S."ROW_ID", S."AGE", S."JOB", S."MARITAL", S."EDUCATION", S."IN_DEFAULT", S."BALANCE", S."HOUSING", S."LOAN", S."CONTACT", S."DAY_OF_MONTH", S."MONTH_NAME", S."DURATION", S."CAMPAIGN", S."PDAYS", S."PREVIOUS", S."POUTCOME", S."Y",
        S.METADATA$ROW_ID AS SNOWLOOP_ROW,
        (S."ROW_ID" IS NULL OR S."AGE" IS NULL OR COALESCE(S."AGE" < 18, FALSE) OR COALESCE(S."AGE" > 120, FALSE) OR S."JOB" IS NULL OR S."MARITAL" IS NULL OR COALESCE(S."MARITAL" NOT IN ('divorced', 'married', 'single'), FALSE) OR S."EDUCATION" IS NULL OR COALESCE(S."EDUCATION" NOT IN ('primary', 'secondary', 'tertiary', 'unknown'), FALSE) OR S."IN_DEFAULT" IS NULL OR COALESCE(S."IN_DEFAULT" NOT IN ('no', 'yes'), FALSE) OR S."BALANCE" IS NULL OR S."HOUSING" IS NULL OR COALESCE(S."HOUSING" NOT IN ('no', 'yes'), FALSE) OR S."LOAN" IS NULL OR COALESCE(S."LOAN" NOT IN ('no', 'yes'), FALSE) OR S."CONTACT" IS NULL OR S."DAY_OF_MONTH" IS NULL OR COALESCE(S."DAY_OF_MONTH" < 1, FALSE) OR COALESCE(S."DAY_OF_MONTH" > 31, FALSE) OR S."MONTH_NAME" IS NULL OR COALESCE(S."MONTH_NAME" NOT IN ('jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'), FALSE) OR COALESCE(S."DURATION" < 0, FALSE) OR S."CAMPAIGN" IS NULL OR COALESCE(S."CAMPAIGN" < 1, FALSE) OR S."PDAYS" IS NULL OR COALESCE(S."PDAYS" < -1, FALSE) OR S."PREVIOUS" IS NULL OR COALESCE(S."PREVIOUS" < 0, FALSE) OR S."POUTCOME" IS NULL OR COALESCE(S."POUTCOME" NOT IN ('failure', 'other', 'success', 'unknown'), FALSE) OR COALESCE(S."Y" NOT IN ('no', 'yes'), FALSE)) AS SNOWLOOP_BROKEN
    FROM "BANK_MARKETING_DEV"."RAW"."BANK_STREAM" AS S
),
-- Of several valid rows of a batch with one key, the first is scored.
REPEATED AS (
    SELECT "ROW_ID", MIN(SNOWLOOP_ROW) AS SNOWLOOP_FIRST
    FROM ARRIVED
    WHERE NOT SNOWLOOP_BROKEN
    GROUP BY "ROW_ID"
    HAVING COUNT(*) > 1
),
-- Keys of this batch that were scored or were in the source before; the batch is small, so it is the build side of the join.
SEEN AS (
    SELECT P."ROW_ID", MIN(P.SNOWLOOP_SEEN) AS SNOWLOOP_SEEN
    FROM (
        SELECT "ROW_ID", 'duplicate key: a row with it was scored before' AS SNOWLOOP_SEEN
        FROM "BANK_MARKETING_DEV"."SERVING"."SCORED"
        UNION ALL
        SELECT "ROW_ID", 'duplicate key: the source had it before scoring began'
        FROM "BANK_MARKETING_DEV"."SERVING"."BASELINE"
    ) AS P
    JOIN (SELECT DISTINCT "ROW_ID" FROM ARRIVED) AS A ON A."ROW_ID" = P."ROW_ID"
    GROUP BY P."ROW_ID"
),
CHECKED AS (
    SELECT
        S."ROW_ID", S."AGE", S."JOB", S."MARITAL", S."EDUCATION", S."IN_DEFAULT", S."BALANCE", S."HOUSING", S."LOAN", S."CONTACT", S."DAY_OF_MONTH", S."MONTH_NAME", S."DURATION", S."CAMPAIGN", S."PDAYS", S."PREVIOUS", S."POUTCOME", S."Y",
        CASE
            WHEN S.SNOWLOOP_BROKEN THEN SUBSTR(CASE WHEN S."ROW_ID" IS NULL THEN '; ' || 'ROW_ID must not be null' ELSE '' END
    || CASE WHEN S."AGE" IS NULL THEN '; ' || 'AGE must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."AGE" < 18, FALSE) THEN '; ' || 'AGE must be at least 18, it is ' || COALESCE(S."AGE"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN COALESCE(S."AGE" > 120, FALSE) THEN '; ' || 'AGE must be at most 120, it is ' || COALESCE(S."AGE"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN S."JOB" IS NULL THEN '; ' || 'JOB must not be null' ELSE '' END
    || CASE WHEN S."MARITAL" IS NULL THEN '; ' || 'MARITAL must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."MARITAL" NOT IN ('divorced', 'married', 'single'), FALSE) THEN '; ' || 'MARITAL must be one of divorced, married, single, it is ' || COALESCE(S."MARITAL"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN S."EDUCATION" IS NULL THEN '; ' || 'EDUCATION must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."EDUCATION" NOT IN ('primary', 'secondary', 'tertiary', 'unknown'), FALSE) THEN '; ' || 'EDUCATION must be one of primary, secondary, tertiary, unknown, it is ' || COALESCE(S."EDUCATION"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN S."IN_DEFAULT" IS NULL THEN '; ' || 'IN_DEFAULT must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."IN_DEFAULT" NOT IN ('no', 'yes'), FALSE) THEN '; ' || 'IN_DEFAULT must be one of no, yes, it is ' || COALESCE(S."IN_DEFAULT"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN S."BALANCE" IS NULL THEN '; ' || 'BALANCE must not be null' ELSE '' END
    || CASE WHEN S."HOUSING" IS NULL THEN '; ' || 'HOUSING must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."HOUSING" NOT IN ('no', 'yes'), FALSE) THEN '; ' || 'HOUSING must be one of no, yes, it is ' || COALESCE(S."HOUSING"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN S."LOAN" IS NULL THEN '; ' || 'LOAN must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."LOAN" NOT IN ('no', 'yes'), FALSE) THEN '; ' || 'LOAN must be one of no, yes, it is ' || COALESCE(S."LOAN"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN S."CONTACT" IS NULL THEN '; ' || 'CONTACT must not be null' ELSE '' END
    || CASE WHEN S."DAY_OF_MONTH" IS NULL THEN '; ' || 'DAY_OF_MONTH must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."DAY_OF_MONTH" < 1, FALSE) THEN '; ' || 'DAY_OF_MONTH must be at least 1, it is ' || COALESCE(S."DAY_OF_MONTH"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN COALESCE(S."DAY_OF_MONTH" > 31, FALSE) THEN '; ' || 'DAY_OF_MONTH must be at most 31, it is ' || COALESCE(S."DAY_OF_MONTH"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN S."MONTH_NAME" IS NULL THEN '; ' || 'MONTH_NAME must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."MONTH_NAME" NOT IN ('jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'), FALSE) THEN '; ' || 'MONTH_NAME must be one of jan, feb, mar, apr, may, jun, jul, aug, sep, oct, nov, dec, it is ' || COALESCE(S."MONTH_NAME"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN COALESCE(S."DURATION" < 0, FALSE) THEN '; ' || 'DURATION must be at least 0, it is ' || COALESCE(S."DURATION"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN S."CAMPAIGN" IS NULL THEN '; ' || 'CAMPAIGN must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."CAMPAIGN" < 1, FALSE) THEN '; ' || 'CAMPAIGN must be at least 1, it is ' || COALESCE(S."CAMPAIGN"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN S."PDAYS" IS NULL THEN '; ' || 'PDAYS must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."PDAYS" < -1, FALSE) THEN '; ' || 'PDAYS must be at least -1, it is ' || COALESCE(S."PDAYS"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN S."PREVIOUS" IS NULL THEN '; ' || 'PREVIOUS must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."PREVIOUS" < 0, FALSE) THEN '; ' || 'PREVIOUS must be at least 0, it is ' || COALESCE(S."PREVIOUS"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN S."POUTCOME" IS NULL THEN '; ' || 'POUTCOME must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."POUTCOME" NOT IN ('failure', 'other', 'success', 'unknown'), FALSE) THEN '; ' || 'POUTCOME must be one of failure, other, success, unknown, it is ' || COALESCE(S."POUTCOME"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN COALESCE(S."Y" NOT IN ('no', 'yes'), FALSE) THEN '; ' || 'Y must be one of no, yes, it is ' || COALESCE(S."Y"::VARCHAR, 'null') ELSE '' END, 3)
            WHEN N.SNOWLOOP_SEEN IS NOT NULL THEN N.SNOWLOOP_SEEN
            WHEN S.SNOWLOOP_ROW <> R.SNOWLOOP_FIRST THEN 'duplicate key: another row of the same batch has it'
        END AS SNOWLOOP_REASON
    FROM ARRIVED AS S
    LEFT JOIN SEEN AS N ON N."ROW_ID" = S."ROW_ID"
    LEFT JOIN REPEATED AS R ON R."ROW_ID" = S."ROW_ID"
)
SELECT "ROW_ID", "AGE", "JOB", "MARITAL", "EDUCATION", "IN_DEFAULT", "BALANCE", "HOUSING", "LOAN", "CONTACT", "DAY_OF_MONTH", "MONTH_NAME", "DURATION", "CAMPAIGN", "PDAYS", "PREVIOUS", "POUTCOME", "Y", SNOWLOOP_REASON, 'RAW.BANK', ?, SYSDATE()
FROM CHECKED
WHERE SNOWLOOP_REASON IS NOT NULL
;

-- score_rows (model_version, run_id)
-- Scores the rows that keep the contract. Their features come from the same features.sql that built the training set.
INSERT INTO "BANK_MARKETING_DEV"."SERVING"."SCORED"
    ("ROW_ID", SCORE, MODEL_VERSION, RUN_ID, SCORED_AT, FEATURES)
WITH
ARRIVED AS (
    SELECT
        S."ROW_ID", S."AGE", S."JOB", S."MARITAL", S."EDUCATION", S."IN_DEFAULT", S."BALANCE", S."HOUSING", S."LOAN", S."CONTACT", S."DAY_OF_MONTH", S."MONTH_NAME", S."DURATION", S."CAMPAIGN", S."PDAYS", S."PREVIOUS", S."POUTCOME", S."Y",
        S.METADATA$ROW_ID AS SNOWLOOP_ROW,
        (S."ROW_ID" IS NULL OR S."AGE" IS NULL OR COALESCE(S."AGE" < 18, FALSE) OR COALESCE(S."AGE" > 120, FALSE) OR S."JOB" IS NULL OR S."MARITAL" IS NULL OR COALESCE(S."MARITAL" NOT IN ('divorced', 'married', 'single'), FALSE) OR S."EDUCATION" IS NULL OR COALESCE(S."EDUCATION" NOT IN ('primary', 'secondary', 'tertiary', 'unknown'), FALSE) OR S."IN_DEFAULT" IS NULL OR COALESCE(S."IN_DEFAULT" NOT IN ('no', 'yes'), FALSE) OR S."BALANCE" IS NULL OR S."HOUSING" IS NULL OR COALESCE(S."HOUSING" NOT IN ('no', 'yes'), FALSE) OR S."LOAN" IS NULL OR COALESCE(S."LOAN" NOT IN ('no', 'yes'), FALSE) OR S."CONTACT" IS NULL OR S."DAY_OF_MONTH" IS NULL OR COALESCE(S."DAY_OF_MONTH" < 1, FALSE) OR COALESCE(S."DAY_OF_MONTH" > 31, FALSE) OR S."MONTH_NAME" IS NULL OR COALESCE(S."MONTH_NAME" NOT IN ('jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'), FALSE) OR COALESCE(S."DURATION" < 0, FALSE) OR S."CAMPAIGN" IS NULL OR COALESCE(S."CAMPAIGN" < 1, FALSE) OR S."PDAYS" IS NULL OR COALESCE(S."PDAYS" < -1, FALSE) OR S."PREVIOUS" IS NULL OR COALESCE(S."PREVIOUS" < 0, FALSE) OR S."POUTCOME" IS NULL OR COALESCE(S."POUTCOME" NOT IN ('failure', 'other', 'success', 'unknown'), FALSE) OR COALESCE(S."Y" NOT IN ('no', 'yes'), FALSE)) AS SNOWLOOP_BROKEN
    FROM "BANK_MARKETING_DEV"."RAW"."BANK_STREAM" AS S
),
-- Of several valid rows of a batch with one key, the first is scored.
REPEATED AS (
    SELECT "ROW_ID", MIN(SNOWLOOP_ROW) AS SNOWLOOP_FIRST
    FROM ARRIVED
    WHERE NOT SNOWLOOP_BROKEN
    GROUP BY "ROW_ID"
    HAVING COUNT(*) > 1
),
-- Keys of this batch that were scored or were in the source before; the batch is small, so it is the build side of the join.
SEEN AS (
    SELECT P."ROW_ID", MIN(P.SNOWLOOP_SEEN) AS SNOWLOOP_SEEN
    FROM (
        SELECT "ROW_ID", 'duplicate key: a row with it was scored before' AS SNOWLOOP_SEEN
        FROM "BANK_MARKETING_DEV"."SERVING"."SCORED"
        UNION ALL
        SELECT "ROW_ID", 'duplicate key: the source had it before scoring began'
        FROM "BANK_MARKETING_DEV"."SERVING"."BASELINE"
    ) AS P
    JOIN (SELECT DISTINCT "ROW_ID" FROM ARRIVED) AS A ON A."ROW_ID" = P."ROW_ID"
    GROUP BY P."ROW_ID"
),
CHECKED AS (
    SELECT
        S."ROW_ID", S."AGE", S."JOB", S."MARITAL", S."EDUCATION", S."IN_DEFAULT", S."BALANCE", S."HOUSING", S."LOAN", S."CONTACT", S."DAY_OF_MONTH", S."MONTH_NAME", S."DURATION", S."CAMPAIGN", S."PDAYS", S."PREVIOUS", S."POUTCOME", S."Y",
        CASE
            WHEN S.SNOWLOOP_BROKEN THEN SUBSTR(CASE WHEN S."ROW_ID" IS NULL THEN '; ' || 'ROW_ID must not be null' ELSE '' END
    || CASE WHEN S."AGE" IS NULL THEN '; ' || 'AGE must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."AGE" < 18, FALSE) THEN '; ' || 'AGE must be at least 18, it is ' || COALESCE(S."AGE"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN COALESCE(S."AGE" > 120, FALSE) THEN '; ' || 'AGE must be at most 120, it is ' || COALESCE(S."AGE"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN S."JOB" IS NULL THEN '; ' || 'JOB must not be null' ELSE '' END
    || CASE WHEN S."MARITAL" IS NULL THEN '; ' || 'MARITAL must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."MARITAL" NOT IN ('divorced', 'married', 'single'), FALSE) THEN '; ' || 'MARITAL must be one of divorced, married, single, it is ' || COALESCE(S."MARITAL"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN S."EDUCATION" IS NULL THEN '; ' || 'EDUCATION must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."EDUCATION" NOT IN ('primary', 'secondary', 'tertiary', 'unknown'), FALSE) THEN '; ' || 'EDUCATION must be one of primary, secondary, tertiary, unknown, it is ' || COALESCE(S."EDUCATION"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN S."IN_DEFAULT" IS NULL THEN '; ' || 'IN_DEFAULT must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."IN_DEFAULT" NOT IN ('no', 'yes'), FALSE) THEN '; ' || 'IN_DEFAULT must be one of no, yes, it is ' || COALESCE(S."IN_DEFAULT"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN S."BALANCE" IS NULL THEN '; ' || 'BALANCE must not be null' ELSE '' END
    || CASE WHEN S."HOUSING" IS NULL THEN '; ' || 'HOUSING must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."HOUSING" NOT IN ('no', 'yes'), FALSE) THEN '; ' || 'HOUSING must be one of no, yes, it is ' || COALESCE(S."HOUSING"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN S."LOAN" IS NULL THEN '; ' || 'LOAN must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."LOAN" NOT IN ('no', 'yes'), FALSE) THEN '; ' || 'LOAN must be one of no, yes, it is ' || COALESCE(S."LOAN"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN S."CONTACT" IS NULL THEN '; ' || 'CONTACT must not be null' ELSE '' END
    || CASE WHEN S."DAY_OF_MONTH" IS NULL THEN '; ' || 'DAY_OF_MONTH must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."DAY_OF_MONTH" < 1, FALSE) THEN '; ' || 'DAY_OF_MONTH must be at least 1, it is ' || COALESCE(S."DAY_OF_MONTH"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN COALESCE(S."DAY_OF_MONTH" > 31, FALSE) THEN '; ' || 'DAY_OF_MONTH must be at most 31, it is ' || COALESCE(S."DAY_OF_MONTH"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN S."MONTH_NAME" IS NULL THEN '; ' || 'MONTH_NAME must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."MONTH_NAME" NOT IN ('jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'), FALSE) THEN '; ' || 'MONTH_NAME must be one of jan, feb, mar, apr, may, jun, jul, aug, sep, oct, nov, dec, it is ' || COALESCE(S."MONTH_NAME"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN COALESCE(S."DURATION" < 0, FALSE) THEN '; ' || 'DURATION must be at least 0, it is ' || COALESCE(S."DURATION"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN S."CAMPAIGN" IS NULL THEN '; ' || 'CAMPAIGN must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."CAMPAIGN" < 1, FALSE) THEN '; ' || 'CAMPAIGN must be at least 1, it is ' || COALESCE(S."CAMPAIGN"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN S."PDAYS" IS NULL THEN '; ' || 'PDAYS must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."PDAYS" < -1, FALSE) THEN '; ' || 'PDAYS must be at least -1, it is ' || COALESCE(S."PDAYS"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN S."PREVIOUS" IS NULL THEN '; ' || 'PREVIOUS must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."PREVIOUS" < 0, FALSE) THEN '; ' || 'PREVIOUS must be at least 0, it is ' || COALESCE(S."PREVIOUS"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN S."POUTCOME" IS NULL THEN '; ' || 'POUTCOME must not be null' ELSE '' END
    || CASE WHEN COALESCE(S."POUTCOME" NOT IN ('failure', 'other', 'success', 'unknown'), FALSE) THEN '; ' || 'POUTCOME must be one of failure, other, success, unknown, it is ' || COALESCE(S."POUTCOME"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN COALESCE(S."Y" NOT IN ('no', 'yes'), FALSE) THEN '; ' || 'Y must be one of no, yes, it is ' || COALESCE(S."Y"::VARCHAR, 'null') ELSE '' END, 3)
            WHEN N.SNOWLOOP_SEEN IS NOT NULL THEN N.SNOWLOOP_SEEN
            WHEN S.SNOWLOOP_ROW <> R.SNOWLOOP_FIRST THEN 'duplicate key: another row of the same batch has it'
        END AS SNOWLOOP_REASON
    FROM ARRIVED AS S
    LEFT JOIN SEEN AS N ON N."ROW_ID" = S."ROW_ID"
    LEFT JOIN REPEATED AS R ON R."ROW_ID" = S."ROW_ID"
),
CLEAN AS (
    SELECT "ROW_ID", "AGE", "JOB", "MARITAL", "EDUCATION", "IN_DEFAULT", "BALANCE", "HOUSING", "LOAN", "CONTACT", "DAY_OF_MONTH", "MONTH_NAME", "DURATION", "CAMPAIGN", "PDAYS", "PREVIOUS", "POUTCOME", "Y" FROM CHECKED WHERE SNOWLOOP_REASON IS NULL
),
FEATURE_ROWS AS (
-- One row a call, with what is known before it is made: so without its DURATION.
SELECT
    ROW_ID,
    AGE,
    JOB,
    MARITAL,
    EDUCATION,
    IN_DEFAULT,
    SIGN(BALANCE) * LN(1 + ABS(BALANCE)) AS LOG_BALANCE,
    HOUSING,
    LOAN,
    CONTACT,
    DAY_OF_MONTH,
    MONTH_NAME,
    CAMPAIGN,
    CASE WHEN PDAYS < 0 THEN 0 ELSE 1 END AS CONTACTED_BEFORE,
    CASE WHEN PDAYS < 0 THEN 999 ELSE PDAYS END AS DAYS_SINCE_CONTACT,
    PREVIOUS,
    POUTCOME
FROM CLEAN
)
SELECT
    F."ROW_ID",
    MODEL("BANK_MARKETING_DEV"."MODELS"."BANK_MARKETING", "<version>")!PREDICT_PROBA(
        F."AMT"::FLOAT,
        F."KIND"::VARCHAR
    ):"output_feature_1"::FLOAT,
    ?,
    ?,
    SYSDATE(),
    OBJECT_CONSTRUCT_KEEP_NULL(F.*)
FROM FEATURE_ROWS AS F
;

-- record_run (run_id, model_version, rows_read, rows_scored, rows_quarantined, started_at)
INSERT INTO "BANK_MARKETING_DEV"."OPS"."RUNS" (
    RUN_ID, PROCEDURE_NAME, MODEL_NAME, MODEL_VERSION, STATE, ROWS_READ, ROWS_SCORED, ROWS_QUARANTINED, STARTED_AT, FINISHED_AT
)
SELECT
    ?, 'SCORE_NEW_ROWS', 'BANK_MARKETING', ?, 'SUCCEEDED',
    ?, ?, ?, ?::TIMESTAMP_NTZ, SYSDATE()
;

-- record_failure (run_id, model_version, error, started_at)
-- After the transaction was rolled back; MODEL_VERSION is NULL if the run failed before it knew its version.
INSERT INTO "BANK_MARKETING_DEV"."OPS"."RUNS" (
    RUN_ID, PROCEDURE_NAME, MODEL_NAME, MODEL_VERSION, STATE, ROWS_SCORED, ROWS_QUARANTINED, ERROR, STARTED_AT, FINISHED_AT
)
SELECT
    ?, 'SCORE_NEW_ROWS', 'BANK_MARKETING', ?, 'FAILED',
    0, 0, ?, ?::TIMESTAMP_NTZ, SYSDATE()
;
