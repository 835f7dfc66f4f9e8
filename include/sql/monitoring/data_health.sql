-- What arrived and how it was scored, by day in UTC; scoring runs of the loop alone: a backfill is no arrival.

-- name: daily_runs
SELECT
    STARTED_AT::DATE AS DAY, COUNT(*) AS RUNS, SUM(ROWS_READ) AS ROWS_READ, SUM(ROWS_QUARANTINED) AS ROWS_QUARANTINED,
    SUM(DATEDIFF('millisecond', STARTED_AT, FINISHED_AT)) / 1000 AS SECONDS
FROM {{ identifier(database, 'OPS', 'RUNS') }}
WHERE STATE = 'SUCCEEDED' AND KIND IS NULL AND STARTED_AT >= DATEADD('day', -{{ days }}, SYSDATE()::DATE)
GROUP BY STARTED_AT::DATE
ORDER BY DAY

-- name: daily_loads
-- Records of files, of all sources together.
SELECT LOADED_AT::DATE AS DAY, SUM(ROWS_READ) AS ROWS_READ, SUM(ROWS_REJECTED) AS ROWS_REJECTED
FROM {{ identifier(database, 'OPS', 'LOADS') }}
WHERE LOADED_AT >= DATEADD('day', -{{ days }}, SYSDATE()::DATE)
GROUP BY LOADED_AT::DATE
ORDER BY DAY

-- name: latencies
-- Of each load since the loop scored first, the seconds until the first run ended that began after it; NULL if none has.
-- Loads and runs in one order of time, so that the work grows with their number and not with its square.
WITH MOMENTS AS (
    SELECT LOADED_AT AS MOMENT, 0 AS IS_RUN, ROWS_LOADED AS N, NULL::TIMESTAMP_NTZ AS FINISHED_AT
    FROM {{ identifier(database, 'OPS', 'LOADS') }}
    WHERE SOURCE = {{ table|bind }} AND ROWS_LOADED > 0 AND LOADED_AT >= DATEADD('day', -{{ days }}, SYSDATE()::DATE)
        AND LOADED_AT >= (SELECT MIN(STARTED_AT) FROM {{ identifier(database, 'OPS', 'RUNS') }} WHERE KIND IS NULL)
    UNION ALL
    SELECT STARTED_AT, 1, 0, FINISHED_AT
    FROM {{ identifier(database, 'OPS', 'RUNS') }}
    WHERE STATE = 'SUCCEEDED' AND KIND IS NULL AND STARTED_AT >= DATEADD('day', -{{ days }}, SYSDATE()::DATE)
),
FOLLOWED AS (
    SELECT
        MOMENT, IS_RUN, N,
        MIN(FINISHED_AT) OVER (ORDER BY MOMENT, IS_RUN ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS SCORED_AT
    FROM MOMENTS
)
SELECT MOMENT::DATE AS DAY, N, DATEDIFF('millisecond', MOMENT, SCORED_AT) / 1000 AS SECONDS
FROM FOLLOWED
WHERE IS_RUN = 0
ORDER BY MOMENT, N

-- name: last_contract_run
-- The checks of the newest run of the contract that failed, and how many there were.
SELECT CHECKED_AT, SOURCE, CHECK_NAME, PASSED
FROM {{ identifier(database, 'OPS', 'CONTRACT_CHECKS') }}
QUALIFY CHECK_RUN = FIRST_VALUE(CHECK_RUN) OVER (ORDER BY CHECKED_AT DESC, CHECK_RUN)
ORDER BY SOURCE, CHECK_NAME
