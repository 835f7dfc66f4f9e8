-- Progress and records of backfill, requeue and recovery.

-- name: count_passing
WITH
{% include checked_rows %}

SELECT COUNT(*) AS N FROM CHECKED WHERE SNOWLOOP_REASON IS NULL

-- name: record_run
INSERT INTO {{ identifier(database, 'OPS', 'RUNS') }} (
    RUN_ID, PROCEDURE_NAME, MODEL_NAME, MODEL_VERSION, STATE, ROWS_READ, ROWS_SCORED, ROWS_QUARANTINED,
    STARTED_AT, FINISHED_AT, KIND
)
SELECT
    {{ run_id|bind }}, {{ kind|upper|bind }}, {{ model_name|bind }}, {{ version|bind }}, {{ state|bind }},
    {{ read }}, {{ scored }}, {{ quarantined }}, SYSDATE(), SYSDATE(), {{ kind|bind }}

-- name: finish_run
UPDATE {{ identifier(database, 'OPS', 'RUNS') }}
SET STATE = 'SUCCEEDED', MODEL_VERSION = {{ version|bind }}, FINISHED_AT = SYSDATE(),
    ROWS_READ = {{ read }}, ROWS_SCORED = {{ scored }}, ROWS_QUARANTINED = {{ quarantined }}
WHERE RUN_ID = {{ run_id|bind }}

-- name: run_state
SELECT STATE, ROWS_READ, ROWS_SCORED, ROWS_QUARANTINED FROM {{ identifier(database, 'OPS', 'RUNS') }}
WHERE RUN_ID = {{ run_id|bind }}

-- name: find_backfills
-- Backfills, the newest first: that of a run, or all, among which the caller looks for an equal request.
SELECT
    RUN_ID, REQUEST, MODEL_VERSION, BATCHES, BATCHES_DONE, ROWS_TOTAL, ROWS_SCORED, FINISHED_AT,
    TIMESTAMPDIFF('second', STARTED_AT, SYSDATE()) AS AGE
FROM {{ identifier(database, 'OPS', 'BACKFILLS') }}
{% if run_id %}
WHERE RUN_ID = {{ run_id|bind }}
{% endif %}
ORDER BY STARTED_AT DESC

-- name: begin_backfill
INSERT INTO {{ identifier(database, 'OPS', 'BACKFILLS') }} (
    RUN_ID, REQUEST, MODEL_VERSION, BATCHES, BATCHES_DONE, ROWS_TOTAL, ROWS_SCORED, STARTED_AT
)
SELECT {{ run_id|bind }}, {{ request|bind }}, {{ version|bind }}, COALESCE(MAX(BATCH), 0), 0, COUNT(*), 0, SYSDATE()
FROM {{ identifier(database, 'OPS', 'BACKFILL_KEYS') }}
WHERE RUN_ID = {{ run_id|bind }}

-- name: finish_batch
-- Marks a batch as done; no row is updated if another process has done it.
UPDATE {{ identifier(database, 'OPS', 'BACKFILLS') }}
SET BATCHES_DONE = {{ batch }}
WHERE RUN_ID = {{ run_id|bind }} AND BATCHES_DONE = {{ batch - 1 }}

-- name: add_scored
UPDATE {{ identifier(database, 'OPS', 'BACKFILLS') }}
SET ROWS_SCORED = ROWS_SCORED + {{ rows }}
WHERE RUN_ID = {{ run_id|bind }}

-- name: finish_backfill
UPDATE {{ identifier(database, 'OPS', 'BACKFILLS') }} SET FINISHED_AT = SYSDATE() WHERE RUN_ID = {{ run_id|bind }}

-- name: delete_backfill_keys
DELETE FROM {{ identifier(database, 'OPS', 'BACKFILL_KEYS') }} WHERE RUN_ID = {{ run_id|bind }}

-- name: mark_requeued
INSERT INTO {{ identifier(database, 'SERVING', 'REQUEUED') }} ({{ key|identifiers }}, RUN_ID, REQUEUED_AT)
SELECT {{ key|identifiers }}, RUN_ID, SYSDATE()
FROM {{ identifier(database, 'SERVING', 'SCORED') }}
WHERE RUN_ID = {{ run_id|bind }}

-- name: count_batch_rows
SELECT COUNT(*) AS N FROM {{ identifier(database, 'OPS', 'BACKFILL_KEYS') }}
WHERE RUN_ID = {{ run_id|bind }} AND BATCH = {{ batch|bind }}

-- name: keys_not_once
-- After scores were written, in the same transaction: each row that passes must have one score, by its key. Rows that pass and
-- have no score yet still pass, but for those at which the model failed: their number is checked by the caller.
{% set wanted, given = "WANTED", "GIVEN" %}
WITH
{% include checked_rows %}
,
GIVEN AS (
    SELECT {{ key|identifiers("S") }}
    FROM {{ identifier(database, 'SERVING', 'SCORED') }} AS S
    JOIN (
        {% if batched %}
        SELECT {{ key|identifiers }} FROM {{ identifier(database, 'OPS', 'BACKFILL_KEYS') }}
        WHERE RUN_ID = {{ run_id|bind }} AND BATCH = {{ batch|bind }}
        {% else %}
        SELECT DISTINCT {{ key|identifiers("R") }} FROM {{ stream }} AS R
        {% endif %}
    ) AS C ON {% for column in key %}C.{{ column|identifier }} = S.{{ column|identifier }}{{ " AND " if not loop.last }}{% endfor %}

    WHERE S.RUN_ID = {{ run_id|bind }}
),
WANTED AS (
    SELECT {{ key|identifiers("C") }} FROM CHECKED AS C
    WHERE C.SNOWLOOP_REASON IS NULL AND NOT EXISTS (
        SELECT 1 FROM {{ identifier(database, 'OPS', 'RECOVERY_ROWS') }} AS U
        WHERE U.RUN_ID = {{ run_id|bind }} || ' unscored'{% for column in key %} AND U.{{ column|identifier }} = C.{{ column|identifier }}{% endfor %}

    )
    UNION
    SELECT {{ key|identifiers }} FROM GIVEN
)
{% include "features/queries.sql#keys_not_once" %}


-- name: delete_missed_rows
DELETE FROM {{ identifier(database, 'OPS', 'RECOVERY_ROWS') }} WHERE RUN_ID = {{ run_id|bind }}
