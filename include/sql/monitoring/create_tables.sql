-- What drift is measured on: the bins of a training set, and how many rows each scoring run had in them.

-- Bins never change. MODEL_VERSION is NULL for features; the bins of a version's scores, whose COLUMN_NAME is (score), are of
-- its held-out rows. Several rows may have one BIN: each known category beyond the most frequent ones is one of OTHER.
CREATE TABLE IF NOT EXISTS {{ identifier(database, 'OPS', 'BASELINES') }} (
    TRAINING_SET VARCHAR, MODEL_VERSION VARCHAR, COLUMN_NAME VARCHAR, KIND VARCHAR, BIN VARCHAR, POSITION NUMBER(38,0),
    MEASURED_AS VARCHAR, LOWER FLOAT, UPPER FLOAT, CATEGORY VARCHAR, N NUMBER(38,0), SHARE FLOAT, MEAN FLOAT,
    DEVIATION FLOAT, WRITTEN_AT TIMESTAMP_NTZ
);

-- The training rows in time order, cut into equally large chunks: how much the shares of the bins change by themselves.
CREATE TABLE IF NOT EXISTS {{ identifier(database, 'OPS', 'BASELINE_CHUNKS') }} (
    TRAINING_SET VARCHAR, CHUNK NUMBER(38,0), COLUMN_NAME VARCHAR, BIN VARCHAR, N NUMBER(38,0), TOTAL FLOAT
);

-- KIND as in OPS.RUNS: NULL is the loop's own run, others score rows again. TOTAL is the sum of the finite numbers in the bin.
CREATE TABLE IF NOT EXISTS {{ identifier(database, 'OPS', 'DRIFT_COUNTS') }} (
    RUN_ID VARCHAR, KIND VARCHAR, MODEL_VERSION VARCHAR, COLUMN_NAME VARCHAR, BIN VARCHAR, N NUMBER(38,0), TOTAL FLOAT,
    COUNTED_AT TIMESTAMP_NTZ
);

-- Measures of each window, of each column against the baseline and against the window before; docs/drift.md has the formulas.
CREATE TABLE IF NOT EXISTS {{ identifier(database, 'OPS', 'DRIFT') }} (
    MODEL_VERSION VARCHAR, WINDOW_START TIMESTAMP_NTZ, WINDOW_END TIMESTAMP_NTZ, COLUMN_NAME VARCHAR, REFERENCE VARCHAR,
    N NUMBER(38,0), REFERENCE_N NUMBER(38,0), BINS NUMBER(38,0), PSI FLOAT, JS_DISTANCE FLOAT, KS FLOAT, L_INFINITY FLOAT,
    NULL_RATE FLOAT, UNSEEN_RATE FLOAT, OUT_OF_RANGE_RATE FLOAT, MEAN_SHIFT FLOAT, MEASURED_AT TIMESTAMP_NTZ
);
