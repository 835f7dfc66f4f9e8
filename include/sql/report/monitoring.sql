-- What the page of monitoring shows; judgements are the newest ones of each window.

-- name: drift_windows
-- The newest windows, of all versions that served: each feature, the scores and the total.
SELECT NAME, MODEL_VERSION, WINDOW_START, WINDOW_END, VALUE, BOUND, PASSED, N
FROM (
    SELECT NAME, MODEL_VERSION, WINDOW_START, WINDOW_END, VALUE, BOUND, PASSED, N
    FROM {{ identifier(database, 'OPS', 'MONITORING_CHECKS') }}
    WHERE NAME LIKE 'drift:%' AND WINDOW_END >= DATEADD('day', -{{ days }}, SYSDATE())
    QUALIFY ROW_NUMBER() OVER (PARTITION BY NAME, MODEL_VERSION, WINDOW_START, WINDOW_END ORDER BY CHECKED_AT DESC) = 1
) AS W
QUALIFY DENSE_RANK() OVER (ORDER BY WINDOW_END DESC, MODEL_VERSION) <= {{ windows }}
ORDER BY WINDOW_END, MODEL_VERSION, NAME

-- name: score_bins
-- Scores in the bins of the version's held-out rows: of these, and of the rows that it scored in some time.
SELECT B.BIN, B.POSITION, B.LOWER, B.UPPER, B.N AS TRAINED, COALESCE(C.N, 0) AS N
FROM {{ identifier(database, 'OPS', 'BASELINES') }} AS B
LEFT JOIN (
    SELECT BIN, SUM(N) AS N
    FROM {{ identifier(database, 'OPS', 'DRIFT_COUNTS') }}
    WHERE MODEL_VERSION = {{ version|bind }} AND COLUMN_NAME = {{ column|bind }} AND KIND IS NULL
        AND COUNTED_AT >= {{ start|bind }}::TIMESTAMP_NTZ AND COUNTED_AT < {{ end|bind }}::TIMESTAMP_NTZ
    GROUP BY BIN
) AS C ON C.BIN = B.BIN
WHERE B.TRAINING_SET = {{ training_set|bind }} AND B.MODEL_VERSION = {{ version|bind }} AND B.COLUMN_NAME = {{ column|bind }}
ORDER BY B.POSITION

-- name: mean_scores
SELECT DAY, MODEL_VERSION, SUM(MEAN_SCORE * ROWS_SCORED) / NULLIF(SUM(ROWS_SCORED), 0) AS MEAN_SCORE
FROM {{ identifier(database, 'OPS', 'METRICS') }}
WHERE DAY >= DATEADD('day', -{{ days }}, SYSDATE())::DATE AND ROWS_SCORED > 0 AND MEAN_SCORE IS NOT NULL
GROUP BY DAY, MODEL_VERSION
ORDER BY DAY, MODEL_VERSION

-- name: performance
SELECT WINDOW_START, WINDOW_END, MODEL_VERSION, METRIC, VALUE, LOW, HIGH, SCORED, LABELLED, MATURE, ESTIMATE
FROM {{ identifier(database, 'OPS', 'PERFORMANCE') }}
WHERE SLICE IS NULL AND WINDOW_END >= DATEADD('second', -{{ history }}, SYSDATE())
ORDER BY WINDOW_START, MODEL_VERSION

-- name: signals
-- The newest judgement of each signal that is about the champion or about no version; drift has a plot of its own.
SELECT NAME, WINDOW_START, WINDOW_END, CHECKED_AT, VALUE, BOUND, PASSED, REASON
FROM {{ identifier(database, 'OPS', 'MONITORING_CHECKS') }}
WHERE CHECKED_AT >= DATEADD('day', -{{ days }}, SYSDATE()) AND (MODEL_VERSION IS NULL OR MODEL_VERSION = {{ version|bind }})
    AND NAME NOT LIKE 'drift:%'
QUALIFY ROW_NUMBER() OVER (
    PARTITION BY NAME ORDER BY COALESCE(WINDOW_END, CHECKED_AT) DESC, COALESCE(WINDOW_START, CHECKED_AT) DESC, CHECKED_AT DESC
) = 1
ORDER BY NAME

-- name: volumes
SELECT WINDOW_START, PASSED
FROM {{ identifier(database, 'OPS', 'MONITORING_CHECKS') }}
WHERE NAME = 'volume' AND WINDOW_START >= DATEADD('day', -{{ days }}, SYSDATE()::DATE)
QUALIFY ROW_NUMBER() OVER (PARTITION BY WINDOW_START ORDER BY CHECKED_AT DESC) = 1
ORDER BY WINDOW_START
