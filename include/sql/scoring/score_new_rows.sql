-- The statements of one scoring run, in the order in which snowloop_procedures/scoring.py executes them: in one transaction,
-- all of them or none. What only the run knows, such as its id and the version that scores, is bound then.

-- name: lock_owner
SELECT HOLDER FROM {{ identifier(database, 'OPS', 'REPAIR_LOCK') }}

-- name: acquire_lock
-- Scoring runs, requeues and recoveries exclude each other: the lock is held until the transaction ends. No row is updated if
-- the owner has changed since it was read.
UPDATE {{ identifier(database, 'OPS', 'REPAIR_LOCK') }} SET HOLDER = {{ owner|bind }} WHERE HOLDER = {{ previous_owner|bind }}

-- name: record_corrections
-- Only where corrections are declared, and first after the lock, so that AT(STREAM) is the source before the changes that the
-- stream holds now. For each key: the row versions that were corrected or deleted (REMOVED), the valid rows that remain
-- next to the new ones (STAYING), and whether no valid row is left (GONE).
INSERT INTO {{ identifier(database, 'SERVING', 'CORRECTIONS') }}
    ({{ key|identifiers }}, REMOVED, STAYING, GONE, RUN_ID, CORRECTED_AT)
WITH
ROW_VERSIONS AS (
    SELECT {{ key|identifiers("S") }}, S.METADATA$ACTION = 'DELETE' AS SNOWLOOP_OLD, NOT {{ fails }} AS SNOWLOOP_GOOD
    FROM {{ stream }} AS S
),
PER_KEY AS (
    SELECT
        {{ key|identifiers }},
        COUNT_IF(SNOWLOOP_OLD) AS SNOWLOOP_REMOVED,
        COUNT_IF(SNOWLOOP_OLD AND SNOWLOOP_GOOD) AS SNOWLOOP_GOOD_REMOVED,
        COUNT_IF(NOT SNOWLOOP_OLD AND SNOWLOOP_GOOD) AS SNOWLOOP_GOOD_NEW
    FROM ROW_VERSIONS
    GROUP BY {{ key|identifiers }}
),
OLD AS (
    SELECT {{ key|identifiers("S") }}, COUNT(*) AS SNOWLOOP_GOOD
    FROM {{ at_offset }} AS S
    WHERE NOT {{ fails }}
    GROUP BY {{ key|identifiers("S") }}
),
COUNTED AS (
    SELECT
        {{ key|identifiers("D") }},
        D.SNOWLOOP_REMOVED,
        COALESCE(O.SNOWLOOP_GOOD, 0) - D.SNOWLOOP_GOOD_REMOVED AS SNOWLOOP_STAYING,
        D.SNOWLOOP_GOOD_NEW
    FROM PER_KEY AS D
    LEFT JOIN OLD AS O ON {% for column in key %}O.{{ column|identifier }} = D.{{ column|identifier }}{{ " AND " if not loop.last }}{% endfor %}

)
SELECT
    {{ key|identifiers }}, SNOWLOOP_REMOVED, SNOWLOOP_STAYING,
    SNOWLOOP_REMOVED > 0 AND SNOWLOOP_STAYING + SNOWLOOP_GOOD_NEW <= 0,
    {{ run_id|bind }}, SYSDATE()
FROM COUNTED
WHERE SNOWLOOP_REMOVED > 0 OR SNOWLOOP_STAYING > 0

-- name: count_rows
SELECT COUNT(*) AS N FROM {{ stream }}{{ " WHERE METADATA$ACTION = 'INSERT'" if delta }}

-- name: waiting_rows
-- Where a joined source is to be waited for: new rows whose event it has not reached, and how far each of them has come. A row
-- waits for a declared time after its event, and one whose event is in the future does not.
WITH REACHED AS (
    {% for each in waits %}
    SELECT
        {{ each.source|literal }} AS SOURCE, {{ each.seconds }} AS SECONDS,
        COALESCE((SELECT MAX({{ each.known }}) FROM {{ each.table }} AS S WHERE NOT {{ each.fails }}), '1970-01-01'::TIMESTAMP_NTZ) AS MOMENT
    {{ "UNION ALL" if not loop.last }}
    {% endfor %}
)
SELECT R.SOURCE, TO_VARCHAR(R.MOMENT, 'YYYY-MM-DD HH24:MI:SS') AS REACHED, COUNT(*) AS N
FROM {{ stream }} AS S
JOIN REACHED AS R ON R.MOMENT < S.{{ event_time|identifier }}::TIMESTAMP_NTZ
WHERE NOT {{ fails }}{{ " AND S.METADATA$ACTION = 'INSERT'" if delta }}
    AND S.{{ event_time|identifier }}::TIMESTAMP_NTZ <= SYSDATE()
    AND DATEADD('second', R.SECONDS, S.{{ event_time|identifier }}::TIMESTAMP_NTZ) > SYSDATE()
GROUP BY R.SOURCE, R.MOMENT
ORDER BY R.SOURCE

-- name: quarantine_rows
-- Keeps the rows that break the contract, each with its reason.
INSERT INTO {{ identifier(database, 'SERVING', 'QUARANTINE') }}
    ({{ columns|identifiers }}, REASON, SOURCE, RUN_ID, QUARANTINED_AT)
WITH
{% include checked_rows %}

SELECT {{ columns|identifiers }}, SNOWLOOP_REASON, {{ source|literal }}, {{ run_id|bind }}, SYSDATE()
FROM CHECKED
WHERE SNOWLOOP_REASON IS NOT NULL

-- name: quarantine_reasons
-- The most frequent reasons of this run, for the message of a run that stops because too many rows break the contract.
SELECT REASON, COUNT(*) AS N
FROM {{ identifier(database, 'SERVING', 'QUARANTINE') }}
WHERE RUN_ID = {{ run_id|bind }}
GROUP BY REASON
ORDER BY N DESC, REASON
LIMIT 3

-- name: score_rows
{% import "scoring/prediction.sql" as prediction with context %}
-- Scores the rows that keep the contract. Their features come from the same features.sql that built the training set.
INSERT INTO {{ identifier(database, 'SERVING', scores) }}
    ({{ key|identifiers }}, {{ "PREDICTION, PROBABILITIES, " if classes }}SCORE, MODEL_VERSION, RUN_ID, SCORED_AT{{ ", EVENT_TIME" if event_time }}{{ ", FEATURES" if keep_features }})
WITH
{% include checked_rows %}
,
CLEAN AS (
    SELECT {{ columns|identifiers }} FROM CHECKED WHERE SNOWLOOP_REASON IS NULL
    {% if side %}
        AND {{ "NOT " if side == "champion" }}{% include "scoring/challenger.sql#belongs_to_challenger" %}

    {% endif %}
),
FEATURE_ROWS AS (
{{ features_sql }}
)
{% if classes %}
,
-- One call of the model a row; its output holds the probabilities of all classes.
PREDICTED AS (
    SELECT
        {{ key|identifiers("F") }},
        {{ "OBJECT_CONSTRUCT_KEEP_NULL(F.*) AS SNOWLOOP_FEATURES," if keep_features }}
        {{ prediction.output() }} AS SNOWLOOP_OUTPUT
    FROM FEATURE_ROWS AS F
)
{% endif %}
SELECT
    {{ key|identifiers("F") }},
    {% if classes %}
    {{ prediction.predicted_class() }},
    {{ prediction.probabilities_by_class() }},
    {{ prediction.highest_probability() }},
    {% else %}
    {{ prediction.score() }},
    {% endif %}
    {{ model_version|bind }},
    {{ run_id|bind }},
    {{ scored_at }}{{ "," if event_time or keep_features }}
    {% if event_time %}
    C.{{ event_time|identifier }}::TIMESTAMP_NTZ{{ "," if keep_features }}
    {% endif %}
    {% if keep_features %}
    {{ "F.SNOWLOOP_FEATURES" if classes else "OBJECT_CONSTRUCT_KEEP_NULL(F.*)" }}
    {% endif %}
FROM {{ "PREDICTED" if classes else "FEATURE_ROWS" }} AS F
{% if event_time %}
JOIN CLEAN AS C ON {% for column in key %}C.{{ column|identifier }} = F.{{ column|identifier }}{{ " AND " if not loop.last }}{% endfor %}

{% endif %}

-- name: keys_not_once
-- After the scores were written: each new row must be in SCORED or in QUARANTINE, by its key.
{% set wanted %}(SELECT {{ key|identifiers }} FROM {{ stream }}{{ " WHERE METADATA$ACTION = 'INSERT'" if delta }}){% endset %}
{% set given %}
(
    SELECT {{ key|identifiers }} FROM {{ identifier(database, 'SERVING', 'SCORED') }}
    WHERE RUN_ID = {{ run_id|bind }}
    UNION ALL
    SELECT {{ key|identifiers }} FROM {{ identifier(database, 'SERVING', 'QUARANTINE') }}
    WHERE RUN_ID = {{ run_id|bind }}
)
{% endset %}
{% include "features/queries.sql#keys_not_once" %}


-- name: count_bins
{% import "monitoring/bins.sql" as bins with context %}
-- How many of the rows that a version scored in this run are in each bin of its baseline; nothing, if it has no baseline. The
-- features are computed once more, of the rows that have a score, and the model is not called.
{% set counted_columns = features|list + [score_column] %}
INSERT INTO {{ identifier(database, 'OPS', 'DRIFT_COUNTS') }}
    (RUN_ID, KIND, MODEL_VERSION, COLUMN_NAME, BIN, N, TOTAL, COUNTED_AT)
WITH
{% if batched %}
{% include checked_rows %}

{% else %}
CHECKED AS ( -- of several valid rows of a batch with one key, the first was scored
    SELECT {{ columns|identifiers("S") }}
    FROM {{ stream }} AS S
    WHERE NOT {{ fails }}{{ " AND S.METADATA$ACTION = 'INSERT'" if delta }}
    QUALIFY ROW_NUMBER() OVER (PARTITION BY {{ key|identifiers("S") }} ORDER BY {{ row_id }}) = 1
)
{% endif %}
,
SCORES AS (
    SELECT {{ key|identifiers }}, SCORE AS {{ score_column.name|identifier }}
    FROM {{ identifier(database, 'SERVING', 'SCORED') }}
    WHERE RUN_ID = {{ run_id|bind }} AND MODEL_VERSION = {{ model_version|bind }}
),
CLEAN AS (
    SELECT {{ columns|identifiers("C") }} FROM CHECKED AS C
    JOIN SCORES AS D ON {% for column in key %}D.{{ column|identifier }} = C.{{ column|identifier }}{{ " AND " if not loop.last }}{% endfor %}

),
FEATURE_ROWS AS (
{{ features_sql }}
),
COUNTED_ROWS AS (
    SELECT
        {{ bins.typed(features, "F") }},
        {{ bins.typed([score_column], "D") }}
    FROM FEATURE_ROWS AS F
    JOIN SCORES AS D ON {% for column in key %}D.{{ column|identifier }} = F.{{ column|identifier }}{{ " AND " if not loop.last }}{% endfor %}

),
{{ bins.long_form("COUNTED_ROWS", counted_columns) }},
{{ bins.counted(counted_columns, version=model_version) }}
SELECT {{ run_id|bind }}, {{ kind|literal }}, {{ model_version|bind }}, COLUMN_NAME, BIN, N, TOTAL, SYSDATE()
FROM COUNTED

-- name: record_run
INSERT INTO {{ identifier(database, 'OPS', 'RUNS') }} (
    RUN_ID, PROCEDURE_NAME, MODEL_NAME, MODEL_VERSION, STATE, ROWS_READ, ROWS_SCORED, ROWS_QUARANTINED, STARTED_AT, FINISHED_AT
)
SELECT
    {{ run_id|bind }}, {{ procedure|literal }}, {{ model_name|literal }}, {{ model_version|bind }}, 'SUCCEEDED',
    {{ rows_read|bind }}, {{ rows_scored|bind }}, {{ rows_quarantined|bind }}, {{ started_at|bind }}::TIMESTAMP_NTZ, SYSDATE()

-- name: record_failure
-- After the transaction was rolled back; MODEL_VERSION is NULL if the run failed before it knew its version.
INSERT INTO {{ identifier(database, 'OPS', 'RUNS') }} (
    RUN_ID, PROCEDURE_NAME, MODEL_NAME, MODEL_VERSION, STATE, ROWS_SCORED, ROWS_QUARANTINED, ERROR, STARTED_AT, FINISHED_AT
)
SELECT
    {{ run_id|bind }}, {{ procedure|literal }}, {{ model_name|literal }}, {{ model_version|bind }}, 'FAILED',
    0, 0, {{ error|bind }}, {{ started_at|bind }}::TIMESTAMP_NTZ, SYSDATE()
