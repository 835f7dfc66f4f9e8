-- Drift of what a version scored: windows are sums of the counts of the loop's own runs, compared with the version's baseline and
-- with the window before. docs/drift.md has the formulas.

-- name: last_window
SELECT WINDOW_START::VARCHAR AS START_AT, WINDOW_END::VARCHAR AS END_AT
FROM {{ identifier(database, 'OPS', 'DRIFT') }}
WHERE MODEL_VERSION = {{ version|bind }}
ORDER BY WINDOW_END DESC
LIMIT 1

-- name: slices
-- Rows by slices of time of equal length. Each row is counted in each column, so one column is enough.
SELECT START_AT::VARCHAR AS START_AT, MAX(N) AS N, DATEADD('second', {{ seconds }}, START_AT) <= SYSDATE() AS IS_OVER
FROM (
    SELECT
        DATEADD('second', FLOOR(DATEDIFF('second', '1970-01-01'::TIMESTAMP_NTZ, COUNTED_AT) / {{ seconds }}) * {{ seconds }}, '1970-01-01'::TIMESTAMP_NTZ) AS START_AT,
        COLUMN_NAME, SUM(N) AS N
    FROM {{ identifier(database, 'OPS', 'DRIFT_COUNTS') }}
    WHERE MODEL_VERSION = {{ version|bind }} AND KIND IS NULL AND COUNTED_AT >= {{ since|bind }}::TIMESTAMP_NTZ
    GROUP BY 1, 2
) AS S
GROUP BY START_AT
ORDER BY START_AT

-- name: base
{# CTE of the bins of a version's baseline. #}
BASE AS (
    SELECT
        COLUMN_NAME, KIND, BIN, MAX(MEASURED_AS) AS MEASURED_AS, MIN(POSITION) AS POSITION, SUM(N)::FLOAT AS N,
        MAX(MEAN) AS MEAN, MAX(DEVIATION) AS DEVIATION
    FROM {{ identifier(database, 'OPS', 'BASELINES') }}
    WHERE TRAINING_SET = {{ training_set|bind }} AND (MODEL_VERSION IS NULL OR MODEL_VERSION = {{ version|bind }})
    GROUP BY COLUMN_NAME, KIND, BIN
)

-- name: measures
{# CTEs over COUNTED (PLACE, COLUMN_NAME, BIN, N, TOTAL) and BASE that end in MEASURED: a row for each place, column and reference,
   which is the baseline or the place before. The outer bins of numbers are open, and what is unseen is one of the other
   categories: BELOW, ABOVE and UNSEEN have rates of their own. #}
GRID AS (
    SELECT
        W.PLACE, B.COLUMN_NAME, B.KIND, B.BIN, B.MEASURED_AS, B.POSITION, B.N AS EXPECTED, COALESCE(C.N, 0)::FLOAT AS N,
        C.TOTAL, B.MEAN, B.DEVIATION
    FROM (SELECT DISTINCT PLACE, COLUMN_NAME FROM COUNTED) AS W
    JOIN BASE AS B ON B.COLUMN_NAME = W.COLUMN_NAME
    LEFT JOIN COUNTED AS C ON C.PLACE = W.PLACE AND C.COLUMN_NAME = B.COLUMN_NAME AND C.BIN = B.BIN
),
RATES AS (
    SELECT
        PLACE, COLUMN_NAME,
        SUM(IFF(BIN = 'NULL', N, 0)) / SUM(N) AS NULL_RATE,
        IFF(MAX(KIND) = 'category', SUM(IFF(BIN = 'UNSEEN', N, 0)) / SUM(N), NULL) AS UNSEEN_RATE,
        IFF(MAX(KIND) = 'number', SUM(IFF(BIN IN ('BELOW', 'ABOVE'), N, 0)) / SUM(N), NULL) AS OUT_OF_RANGE_RATE,
        (SUM(TOTAL) / NULLIF(SUM(IFF(BIN = 'NULL', 0, N)), 0) - MAX(MEAN)) / NULLIF(MAX(DEVIATION), 0) AS MEAN_SHIFT
    FROM GRID
    GROUP BY PLACE, COLUMN_NAME
),
MERGED AS (
    SELECT
        PLACE, COLUMN_NAME, KIND, MEASURED_AS AS BIN, MIN(POSITION) AS POSITION, SUM(N) AS N, SUM(EXPECTED) AS EXPECTED
    FROM GRID
    GROUP BY PLACE, COLUMN_NAME, KIND, MEASURED_AS
),
PAIRS AS (
    SELECT PLACE, 'baseline' AS REFERENCE, COLUMN_NAME, KIND, BIN, POSITION, N, EXPECTED FROM MERGED
    UNION ALL
    SELECT A.PLACE, 'previous', A.COLUMN_NAME, A.KIND, A.BIN, A.POSITION, A.N, P.N
    FROM MERGED AS A
    JOIN MERGED AS P ON P.PLACE = A.PLACE - 1 AND P.COLUMN_NAME = A.COLUMN_NAME AND P.BIN = A.BIN
),
SHARES AS (
    SELECT
        PLACE, REFERENCE, COLUMN_NAME, KIND, ROWS_NOW, ROWS_BEFORE, BINS,
        N / ROWS_NOW AS SHARE,
        EXPECTED / NULLIF(ROWS_BEFORE, 0) AS EXPECTED_SHARE,
        (N + 0.5) / (ROWS_NOW + 0.5 * BINS) AS SMOOTH,
        (EXPECTED + 0.5) / (ROWS_BEFORE + 0.5 * BINS) AS SMOOTH_EXPECTED,
        CUMULATED / NULLIF(NUMBERS_NOW, 0) - CUMULATED_EXPECTED / NULLIF(NUMBERS_BEFORE, 0) AS DISTANCE
    FROM (
        SELECT
            *,
            SUM(N) OVER (PARTITION BY PLACE, REFERENCE, COLUMN_NAME) AS ROWS_NOW,
            SUM(EXPECTED) OVER (PARTITION BY PLACE, REFERENCE, COLUMN_NAME) AS ROWS_BEFORE,
            COUNT(*) OVER (PARTITION BY PLACE, REFERENCE, COLUMN_NAME) AS BINS,
            SUM(IFF(BIN = 'NULL', 0, N)) OVER (PARTITION BY PLACE, REFERENCE, COLUMN_NAME) AS NUMBERS_NOW,
            SUM(IFF(BIN = 'NULL', 0, EXPECTED)) OVER (PARTITION BY PLACE, REFERENCE, COLUMN_NAME) AS NUMBERS_BEFORE,
            SUM(IFF(BIN = 'NULL', 0, N)) OVER (PARTITION BY PLACE, REFERENCE, COLUMN_NAME ORDER BY POSITION ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS CUMULATED,
            SUM(IFF(BIN = 'NULL', 0, EXPECTED)) OVER (PARTITION BY PLACE, REFERENCE, COLUMN_NAME ORDER BY POSITION ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS CUMULATED_EXPECTED
        FROM PAIRS
        WHERE N > 0 OR EXPECTED > 0
    ) AS P
),
MEASURED AS (
    SELECT
        PLACE, REFERENCE, COLUMN_NAME, MAX(ROWS_NOW) AS N, MAX(ROWS_BEFORE) AS REFERENCE_N, MAX(BINS) AS BINS,
        SUM((SMOOTH - SMOOTH_EXPECTED) * LN(SMOOTH / SMOOTH_EXPECTED)) AS PSI,
        SQRT(GREATEST(0, 0.5 * SUM(
            IFF(SHARE > 0, SHARE * LOG(2, 2 * SHARE / NULLIF(SHARE + EXPECTED_SHARE, 0)), 0)
            + IFF(EXPECTED_SHARE > 0, EXPECTED_SHARE * LOG(2, 2 * EXPECTED_SHARE / NULLIF(SHARE + EXPECTED_SHARE, 0)), 0)
        ))) AS JS_DISTANCE,
        IFF(MAX(KIND) = 'number', MAX(ABS(DISTANCE)), NULL) AS KS,
        IFF(MAX(KIND) = 'category', MAX(ABS(SHARE - EXPECTED_SHARE)), NULL) AS L_INFINITY
    FROM SHARES
    WHERE ROWS_BEFORE > 0
    GROUP BY PLACE, REFERENCE, COLUMN_NAME
)

-- name: measure
-- Measures windows; the one at place 0 was measured before, and is what the first new one is compared with.
INSERT INTO {{ identifier(database, 'OPS', 'DRIFT') }} (
    MODEL_VERSION, WINDOW_START, WINDOW_END, COLUMN_NAME, REFERENCE, N, REFERENCE_N, BINS, PSI, JS_DISTANCE, KS, L_INFINITY,
    NULL_RATE, UNSEEN_RATE, OUT_OF_RANGE_RATE, MEAN_SHIFT, MEASURED_AT
)
WITH
WINDOWS AS (
    SELECT COLUMN1 AS PLACE, COLUMN2::TIMESTAMP_NTZ AS START_AT, COLUMN3::TIMESTAMP_NTZ AS END_AT
    FROM VALUES
        {% for window in windows %}
        ({{ window.place|bind }}, {{ window.start|bind }}, {{ window.end|bind }}){{ "," if not loop.last }}
        {% endfor %}
),
{% include "monitoring/drift.sql#base" %}
,
COUNTED AS (
    SELECT W.PLACE, C.COLUMN_NAME, C.BIN, SUM(C.N) AS N, SUM(C.TOTAL) AS TOTAL
    FROM {{ identifier(database, 'OPS', 'DRIFT_COUNTS') }} AS C
    JOIN WINDOWS AS W ON C.COUNTED_AT >= W.START_AT AND C.COUNTED_AT < W.END_AT
    WHERE C.MODEL_VERSION = {{ version|bind }} AND C.KIND IS NULL
        AND C.COUNTED_AT >= {{ windows[0].start|bind }}::TIMESTAMP_NTZ AND C.COUNTED_AT < {{ windows[-1].end|bind }}::TIMESTAMP_NTZ
    GROUP BY W.PLACE, C.COLUMN_NAME, C.BIN
),
{% include "monitoring/drift.sql#measures" %}

SELECT
    {{ version|bind }}, W.START_AT, W.END_AT, M.COLUMN_NAME, M.REFERENCE, M.N, M.REFERENCE_N, M.BINS, M.PSI, M.JS_DISTANCE, M.KS,
    M.L_INFINITY, R.NULL_RATE, R.UNSEEN_RATE, R.OUT_OF_RANGE_RATE, R.MEAN_SHIFT, SYSDATE()
FROM MEASURED AS M
JOIN RATES AS R ON R.PLACE = M.PLACE AND R.COLUMN_NAME = M.COLUMN_NAME
JOIN WINDOWS AS W ON W.PLACE = M.PLACE
WHERE W.PLACE > 0

-- name: chunks
-- How far each column of the training rows departs from the whole by itself: mean and standard deviation of PSI over the chunks.
WITH
{% include "monitoring/drift.sql#base" %}
,
COUNTED AS (
    SELECT 2 * CHUNK AS PLACE, COLUMN_NAME, BIN, N, TOTAL -- no chunk is compared with the one before
    FROM {{ identifier(database, 'OPS', 'BASELINE_CHUNKS') }}
    WHERE TRAINING_SET = {{ training_set|bind }}
),
{% include "monitoring/drift.sql#measures" %}

SELECT COLUMN_NAME, MIN(N) AS N, AVG(PSI) AS MEAN, STDDEV(PSI) AS DEVIATION
FROM MEASURED
WHERE REFERENCE = 'baseline'
GROUP BY COLUMN_NAME

-- name: measured
SELECT
    WINDOW_START::VARCHAR AS START_AT, WINDOW_END::VARCHAR AS END_AT, COLUMN_NAME, REFERENCE, N, REFERENCE_N, BINS, PSI, JS_DISTANCE,
    KS, L_INFINITY, NULL_RATE, UNSEEN_RATE, OUT_OF_RANGE_RATE, MEAN_SHIFT
FROM {{ identifier(database, 'OPS', 'DRIFT') }}
WHERE MODEL_VERSION = {{ version|bind }} AND WINDOW_END > {{ since|bind }}::TIMESTAMP_NTZ
ORDER BY WINDOW_END, COLUMN_NAME, REFERENCE

-- name: baseline_columns
-- The rows of each column, and of texts those whose category no other row has, or is not known: so many are unseen among new rows.
SELECT COLUMN_NAME, SUM(N) AS N, SUM(IFF(BIN = 'UNSEEN' OR (CATEGORY IS NOT NULL AND N = 1), N, 0)) AS SINGLE
FROM {{ identifier(database, 'OPS', 'BASELINES') }}
WHERE TRAINING_SET = {{ training_set|bind }} AND (MODEL_VERSION IS NULL OR MODEL_VERSION = {{ version|bind }})
GROUP BY COLUMN_NAME

-- name: importance
-- How much the deciding metric of a version loses when a feature is shuffled, by its last evaluation.
SELECT DETAILS:results:importance::VARCHAR AS IMPORTANCE
FROM {{ identifier(database, 'OPS', 'EVALUATION_DETAILS') }}
WHERE MODEL_NAME = {{ model|bind }} AND MODEL_VERSION = {{ version|bind }}
ORDER BY EVALUATED_AT DESC
LIMIT 1

-- name: newest_checks
SELECT NAME, PASSED, REASON, VALUE, BOUND
FROM {{ identifier(database, 'OPS', 'MONITORING_CHECKS') }}
WHERE MODEL_VERSION = {{ version|bind }} AND NAME LIKE 'drift:%'
QUALIFY WINDOW_END = MAX(WINDOW_END) OVER ()
ORDER BY NAME
