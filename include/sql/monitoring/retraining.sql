-- Trainings that alerts asked for, in OPS.RETRAININGS.

-- name: newest
SELECT REQUEST_ID, STATE, SIGNALS, ALERT_IDS, MODEL_VERSION, REASON, RUN_ID, REQUESTED_AT
FROM {{ identifier(database, 'OPS', 'RETRAININGS') }}
ORDER BY REQUESTED_AT DESC, REQUEST_ID
LIMIT 1

-- name: named
SELECT REQUEST_ID, STATE, SIGNALS, ALERT_IDS, MODEL_VERSION, REASON, RUN_ID, REQUESTED_AT
FROM {{ identifier(database, 'OPS', 'RETRAININGS') }}
WHERE REQUEST_ID = {{ request_id|bind }}

-- name: request
INSERT INTO {{ identifier(database, 'OPS', 'RETRAININGS') }}
    (REQUEST_ID, STATE, SIGNALS, ALERT_IDS, MODEL_VERSION, REASON, RUN_ID, REQUESTED_AT)
SELECT
    {{ request.request_id|bind }}, {{ request.state|bind }}, {{ request.signals|bind }}, {{ request.alert_ids|bind }},
    {{ request.model_version|bind }}, {{ request.reason|bind }}, {{ request.run_id|bind }},
    {{ requested_at|bind }}::TIMESTAMP_NTZ

-- name: settle
UPDATE {{ identifier(database, 'OPS', 'RETRAININGS') }}
SET STATE = {{ state|bind }}, OUTCOME = {{ outcome|bind }}, VERDICT_ID = {{ verdict_id|bind }}, SETTLED_AT = SYSDATE()
WHERE REQUEST_ID = {{ request_id|bind }}

-- name: judged
-- What the gate decided by one verdict: the version, whether an override let it pass, and why it did not.
SELECT
    MAX(MODEL_VERSION) AS MODEL_VERSION,
    COUNT_IF(CHECK_NAME = 'OVERRIDE') AS OVERRIDES,
    LISTAGG(CASE WHEN NOT PASSED THEN REASON END, '; ') WITHIN GROUP (ORDER BY CHECK_NAME) AS REFUSED
FROM {{ identifier(database, 'OPS', 'VERDICTS') }}
WHERE VERDICT_ID = {{ verdict_id|bind }}
