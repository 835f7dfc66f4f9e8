-- versions
SHOW VERSIONS IN MODEL "BANK_MARKETING_DEV"."MODELS"."BANK_MARKETING"
;

-- recorded_champion
-- The last change of the champion: which version the ledger says is champion, and which one was before.
SELECT TO_VERSION, FROM_VERSION
FROM "BANK_MARKETING_DEV"."OPS"."LEDGER"
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
FROM "BANK_MARKETING_DEV"."OPS"."VERDICTS"
WHERE VERDICT_ID = COALESCE(
    (
        SELECT VERDICT_ID FROM "BANK_MARKETING_DEV"."OPS"."LEDGER"
        WHERE ACTION IN ('promote', 'rollback') AND TO_VERSION = ? AND VERDICT_ID IS NOT NULL
        ORDER BY ENTRY DESC
        LIMIT 1
    ),
    (
        SELECT VERDICT_ID FROM "BANK_MARKETING_DEV"."OPS"."VERDICTS"
        WHERE MODEL_NAME = 'BANK_MARKETING' AND MODEL_VERSION = ?
        ORDER BY DECIDED_AT DESC, VERDICT_ID
        LIMIT 1
    ),
    'none'
)
;

-- of_training_set (training_set)
SELECT FEATURES_SQL FROM "BANK_MARKETING_DEV"."OPS"."TRAINING_SETS" WHERE FINGERPRINT = ?
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
        (S."ROW_ID" IS NULL OR S."AGE" IS NULL OR COALESCE(S."AGE" < 18, FALSE) OR COALESCE(S."AGE" > 120, FALSE) OR S."JOB" IS NULL OR S."MARITAL" IS NULL OR COALESCE(S."MARITAL" NOT IN ('divorced', 'married', 'single'), FALSE) OR S."EDUCATION" IS NULL OR COALESCE(S."EDUCATION" NOT IN ('primary', 'secondary', 'tertiary', 'unknown'), FALSE) OR S."IN_DEFAULT" IS NULL OR COALESCE(S."IN_DEFAULT" NOT IN ('no', 'yes'), FALSE) OR S."BALANCE" IS NULL OR COALESCE(S."BALANCE" < -1000000000, FALSE) OR COALESCE(S."BALANCE" > 1000000000, FALSE) OR S."HOUSING" IS NULL OR COALESCE(S."HOUSING" NOT IN ('no', 'yes'), FALSE) OR S."LOAN" IS NULL OR COALESCE(S."LOAN" NOT IN ('no', 'yes'), FALSE) OR S."CONTACT" IS NULL OR S."DAY_OF_MONTH" IS NULL OR COALESCE(S."DAY_OF_MONTH" < 1, FALSE) OR COALESCE(S."DAY_OF_MONTH" > 31, FALSE) OR S."MONTH_NAME" IS NULL OR COALESCE(S."MONTH_NAME" NOT IN ('jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'), FALSE) OR COALESCE(S."DURATION" < 0, FALSE) OR S."CAMPAIGN" IS NULL OR COALESCE(S."CAMPAIGN" < 1, FALSE) OR S."PDAYS" IS NULL OR COALESCE(S."PDAYS" < -1, FALSE) OR S."PREVIOUS" IS NULL OR COALESCE(S."PREVIOUS" < 0, FALSE) OR S."POUTCOME" IS NULL OR COALESCE(S."POUTCOME" NOT IN ('failure', 'other', 'success', 'unknown'), FALSE) OR COALESCE(S."Y" NOT IN ('no', 'yes'), FALSE)) AS SNOWLOOP_BROKEN
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
    || CASE WHEN COALESCE(S."BALANCE" < -1000000000, FALSE) THEN '; ' || 'BALANCE must be at least -1000000000, it is ' || COALESCE(S."BALANCE"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN COALESCE(S."BALANCE" > 1000000000, FALSE) THEN '; ' || 'BALANCE must be at most 1000000000, it is ' || COALESCE(S."BALANCE"::VARCHAR, 'null') ELSE '' END
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
        (S."ROW_ID" IS NULL OR S."AGE" IS NULL OR COALESCE(S."AGE" < 18, FALSE) OR COALESCE(S."AGE" > 120, FALSE) OR S."JOB" IS NULL OR S."MARITAL" IS NULL OR COALESCE(S."MARITAL" NOT IN ('divorced', 'married', 'single'), FALSE) OR S."EDUCATION" IS NULL OR COALESCE(S."EDUCATION" NOT IN ('primary', 'secondary', 'tertiary', 'unknown'), FALSE) OR S."IN_DEFAULT" IS NULL OR COALESCE(S."IN_DEFAULT" NOT IN ('no', 'yes'), FALSE) OR S."BALANCE" IS NULL OR COALESCE(S."BALANCE" < -1000000000, FALSE) OR COALESCE(S."BALANCE" > 1000000000, FALSE) OR S."HOUSING" IS NULL OR COALESCE(S."HOUSING" NOT IN ('no', 'yes'), FALSE) OR S."LOAN" IS NULL OR COALESCE(S."LOAN" NOT IN ('no', 'yes'), FALSE) OR S."CONTACT" IS NULL OR S."DAY_OF_MONTH" IS NULL OR COALESCE(S."DAY_OF_MONTH" < 1, FALSE) OR COALESCE(S."DAY_OF_MONTH" > 31, FALSE) OR S."MONTH_NAME" IS NULL OR COALESCE(S."MONTH_NAME" NOT IN ('jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'), FALSE) OR COALESCE(S."DURATION" < 0, FALSE) OR S."CAMPAIGN" IS NULL OR COALESCE(S."CAMPAIGN" < 1, FALSE) OR S."PDAYS" IS NULL OR COALESCE(S."PDAYS" < -1, FALSE) OR S."PREVIOUS" IS NULL OR COALESCE(S."PREVIOUS" < 0, FALSE) OR S."POUTCOME" IS NULL OR COALESCE(S."POUTCOME" NOT IN ('failure', 'other', 'success', 'unknown'), FALSE) OR COALESCE(S."Y" NOT IN ('no', 'yes'), FALSE)) AS SNOWLOOP_BROKEN
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
    || CASE WHEN COALESCE(S."BALANCE" < -1000000000, FALSE) THEN '; ' || 'BALANCE must be at least -1000000000, it is ' || COALESCE(S."BALANCE"::VARCHAR, 'null') ELSE '' END
    || CASE WHEN COALESCE(S."BALANCE" > 1000000000, FALSE) THEN '; ' || 'BALANCE must be at most 1000000000, it is ' || COALESCE(S."BALANCE"::VARCHAR, 'null') ELSE '' END
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

-- keys_not_once (run_id, run_id)
-- After the scores were written: each new row must be in SCORED or in QUARANTINE, by its key.
SELECT
COALESCE("ROW_ID"::VARCHAR, 'null') AS SNOWLOOP_KEY,
    SUM(SNOWLOOP_ROW) AS SNOWLOOP_ROWS,
    SUM(SNOWLOOP_RESULT) AS SNOWLOOP_RESULTS,
    COUNT(*) OVER () AS SNOWLOOP_KEYS
FROM (
    SELECT "ROW_ID", 1 AS SNOWLOOP_ROW, 0 AS SNOWLOOP_RESULT FROM (SELECT "ROW_ID" FROM "BANK_MARKETING_DEV"."RAW"."BANK_STREAM") AS W
    UNION ALL
    SELECT "ROW_ID", 0, 1 FROM (
    SELECT "ROW_ID" FROM "BANK_MARKETING_DEV"."SERVING"."SCORED"
    WHERE RUN_ID = ?
    UNION ALL
    SELECT "ROW_ID" FROM "BANK_MARKETING_DEV"."SERVING"."QUARANTINE"
    WHERE RUN_ID = ?
)
 AS G
) AS K
GROUP BY "ROW_ID"
HAVING SUM(SNOWLOOP_ROW) <> SUM(SNOWLOOP_RESULT)
ORDER BY "ROW_ID"
LIMIT 5
;

-- count_bins (run_id, model_version, training_set, model_version, run_id, model_version)
-- How many of the rows that a version scored in this run are in each bin of its baseline; nothing, if it has no baseline. The
-- features are computed once more, of the rows that have a score, and the model is not called.
INSERT INTO "BANK_MARKETING_DEV"."OPS"."DRIFT_COUNTS"
    (RUN_ID, KIND, MODEL_VERSION, COLUMN_NAME, BIN, N, TOTAL, COUNTED_AT)
WITH
CHECKED AS ( -- of several valid rows of a batch with one key, the first was scored
    SELECT S."ROW_ID", S."AGE", S."JOB", S."MARITAL", S."EDUCATION", S."IN_DEFAULT", S."BALANCE", S."HOUSING", S."LOAN", S."CONTACT", S."DAY_OF_MONTH", S."MONTH_NAME", S."DURATION", S."CAMPAIGN", S."PDAYS", S."PREVIOUS", S."POUTCOME", S."Y"
    FROM "BANK_MARKETING_DEV"."RAW"."BANK_STREAM" AS S
    WHERE NOT (S."ROW_ID" IS NULL OR S."AGE" IS NULL OR COALESCE(S."AGE" < 18, FALSE) OR COALESCE(S."AGE" > 120, FALSE) OR S."JOB" IS NULL OR S."MARITAL" IS NULL OR COALESCE(S."MARITAL" NOT IN ('divorced', 'married', 'single'), FALSE) OR S."EDUCATION" IS NULL OR COALESCE(S."EDUCATION" NOT IN ('primary', 'secondary', 'tertiary', 'unknown'), FALSE) OR S."IN_DEFAULT" IS NULL OR COALESCE(S."IN_DEFAULT" NOT IN ('no', 'yes'), FALSE) OR S."BALANCE" IS NULL OR COALESCE(S."BALANCE" < -1000000000, FALSE) OR COALESCE(S."BALANCE" > 1000000000, FALSE) OR S."HOUSING" IS NULL OR COALESCE(S."HOUSING" NOT IN ('no', 'yes'), FALSE) OR S."LOAN" IS NULL OR COALESCE(S."LOAN" NOT IN ('no', 'yes'), FALSE) OR S."CONTACT" IS NULL OR S."DAY_OF_MONTH" IS NULL OR COALESCE(S."DAY_OF_MONTH" < 1, FALSE) OR COALESCE(S."DAY_OF_MONTH" > 31, FALSE) OR S."MONTH_NAME" IS NULL OR COALESCE(S."MONTH_NAME" NOT IN ('jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'), FALSE) OR COALESCE(S."DURATION" < 0, FALSE) OR S."CAMPAIGN" IS NULL OR COALESCE(S."CAMPAIGN" < 1, FALSE) OR S."PDAYS" IS NULL OR COALESCE(S."PDAYS" < -1, FALSE) OR S."PREVIOUS" IS NULL OR COALESCE(S."PREVIOUS" < 0, FALSE) OR S."POUTCOME" IS NULL OR COALESCE(S."POUTCOME" NOT IN ('failure', 'other', 'success', 'unknown'), FALSE) OR COALESCE(S."Y" NOT IN ('no', 'yes'), FALSE))
    QUALIFY ROW_NUMBER() OVER (PARTITION BY S."ROW_ID" ORDER BY S.METADATA$ROW_ID) = 1
)
,
SCORES AS (
    SELECT "ROW_ID", SCORE AS "(score)"
    FROM "BANK_MARKETING_DEV"."SERVING"."SCORED"
    WHERE RUN_ID = ? AND MODEL_VERSION = ?
),
CLEAN AS (
    SELECT C."ROW_ID", C."AGE", C."JOB", C."MARITAL", C."EDUCATION", C."IN_DEFAULT", C."BALANCE", C."HOUSING", C."LOAN", C."CONTACT", C."DAY_OF_MONTH", C."MONTH_NAME", C."DURATION", C."CAMPAIGN", C."PDAYS", C."PREVIOUS", C."POUTCOME", C."Y" FROM CHECKED AS C
    JOIN SCORES AS D ON D."ROW_ID" = C."ROW_ID"
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
),
COUNTED_ROWS AS (
    SELECT
        COALESCE(F."AMT"::FLOAT, 'NaN'::FLOAT) AS "AMT",
        COALESCE('=' || F."KIND"::VARCHAR, '')::VARCHAR AS "KIND",
        COALESCE(D."(score)"::FLOAT, 'NaN'::FLOAT) AS "(score)"
    FROM FEATURE_ROWS AS F
    JOIN SCORES AS D ON D."ROW_ID" = F."ROW_ID"
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
    FROM "BANK_MARKETING_DEV"."OPS"."BASELINES"
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
