INSERT INTO {{ identifier(database, 'OPS', 'METRICS') }} (
    RUN_ID, DAY, MODEL_VERSION, ROWS_READ, ROWS_SCORED, ROWS_QUARANTINED, MEAN_SCORE, MIN_SCORE, MAX_SCORE, REFRESHED_AT,
    NOT_FINITE{{ ", CLASS_SHARES" if classes }}
)
WITH
FRESH AS (
    SELECT RUN_ID, MODEL_VERSION, ROWS_QUARANTINED, STARTED_AT, FINISHED_AT
    FROM {{ identifier(database, 'OPS', 'RUNS') }}
    WHERE STATE = 'SUCCEEDED'
        AND KIND IS NULL -- a backfill, a requeue or a recovery is no run of the loop
        AND RUN_ID NOT IN (SELECT RUN_ID FROM {{ identifier(database, 'OPS', 'METRICS') }})
),
SUMS AS (
    SELECT
        RUN_ID, MODEL_VERSION, COUNT(*) AS N, AVG(SCORE) AS MEAN_SCORE, MIN(SCORE) AS MIN_SCORE, MAX(SCORE) AS MAX_SCORE,
        {% for class in classes %}
        COUNT_IF(PREDICTION = {{ class|string|literal }}) AS {{ ("N_" ~ loop.index)|identifier }},
        {% endfor %}
        COUNT_IF(SCORE IS NULL OR SCORE IN ('NaN'::FLOAT, 'inf'::FLOAT, '-inf'::FLOAT)) AS NOT_FINITE
    FROM {{ identifier(database, 'SERVING', 'SCORED') }}
    WHERE SCORED_AT >= (SELECT MIN(STARTED_AT) FROM FRESH) AND RUN_ID IN (SELECT RUN_ID FROM FRESH)
    GROUP BY RUN_ID, MODEL_VERSION
),
-- A row for each version that served in the run; what was quarantined counts once, at the first of them.
PARTS AS (
    SELECT
        F.RUN_ID, F.FINISHED_AT, COALESCE(S.MODEL_VERSION, F.MODEL_VERSION) AS MODEL_VERSION, COALESCE(S.N, 0) AS N,
        CASE WHEN ROW_NUMBER() OVER (PARTITION BY F.RUN_ID ORDER BY S.MODEL_VERSION) = 1 THEN F.ROWS_QUARANTINED ELSE 0 END
            AS ROWS_QUARANTINED,
        S.MEAN_SCORE, S.MIN_SCORE, S.MAX_SCORE, COALESCE(S.NOT_FINITE, 0) AS NOT_FINITE{{ "," if classes }}
        {% if classes %}
        CASE WHEN S.N > 0 THEN OBJECT_CONSTRUCT(
            {% for class in classes %}
            {{ class|string|literal }}, S.{{ ("N_" ~ loop.index)|identifier }} / S.N{{ "," if not loop.last }}
            {% endfor %}
        ) END AS CLASS_SHARES
        {% endif %}
    FROM FRESH AS F
    LEFT JOIN SUMS AS S ON S.RUN_ID = F.RUN_ID
)
SELECT
    RUN_ID, FINISHED_AT::DATE, MODEL_VERSION, N + ROWS_QUARANTINED, N, ROWS_QUARANTINED,
    MEAN_SCORE, MIN_SCORE, MAX_SCORE, SYSDATE(),
    NOT_FINITE{{ ", CLASS_SHARES" if classes }}
FROM PARTS
