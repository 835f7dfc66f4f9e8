-- First of the run's statements, so that AT(STREAM) is the source before the rows that the stream holds now. For each key:
-- images that were corrected or deleted, good rows that stay beside what arrives, and whether no good row is left.
INSERT INTO {{ identifier(database, 'SERVING', 'CORRECTIONS') }}
    ({{ key|identifiers }}, REMOVED, STAYING, GONE, RUN_ID, CORRECTED_AT)
WITH
IMAGES AS (
    SELECT {{ key|identifiers("S") }}, S.METADATA$ACTION = 'DELETE' AS SNOWLOOP_OLD, NOT {{ fails }} AS SNOWLOOP_GOOD
    FROM {{ stream }} AS S
),
DELTA AS (
    SELECT
        {{ key|identifiers }},
        COUNT_IF(SNOWLOOP_OLD) AS SNOWLOOP_REMOVED,
        COUNT_IF(SNOWLOOP_OLD AND SNOWLOOP_GOOD) AS SNOWLOOP_GOOD_REMOVED,
        COUNT_IF(NOT SNOWLOOP_OLD AND SNOWLOOP_GOOD) AS SNOWLOOP_GOOD_NEW
    FROM IMAGES
    GROUP BY {{ key|identifiers }}
),
OLD AS (
    SELECT {{ key|identifiers("S") }}, COUNT(*) AS SNOWLOOP_GOOD
    FROM {{ table }} AT(STREAM => {{ stream|literal }}) AS S
    WHERE NOT {{ fails }}
    GROUP BY {{ key|identifiers("S") }}
),
COUNTED AS (
    SELECT
        {{ key|identifiers("D") }},
        D.SNOWLOOP_REMOVED,
        COALESCE(O.SNOWLOOP_GOOD, 0) - D.SNOWLOOP_GOOD_REMOVED AS SNOWLOOP_STAYING,
        D.SNOWLOOP_GOOD_NEW
    FROM DELTA AS D
    LEFT JOIN OLD AS O ON {% for column in key %}O.{{ column|identifier }} = D.{{ column|identifier }}{{ " AND " if not loop.last }}{% endfor %}

)
SELECT
    {{ key|identifiers }}, SNOWLOOP_REMOVED, SNOWLOOP_STAYING,
    SNOWLOOP_REMOVED > 0 AND SNOWLOOP_STAYING + SNOWLOOP_GOOD_NEW <= 0,
    '<<run_id>>', SYSDATE()
FROM COUNTED
WHERE SNOWLOOP_REMOVED > 0 OR SNOWLOOP_STAYING > 0
