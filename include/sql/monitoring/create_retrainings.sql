-- Trainings that alerts asked for: a row a request. STATE is requested, promoted, kept, refused, failed or lost; SIGNALS and
-- ALERT_IDS are of the alerts that were open, separated by commas.
CREATE TABLE IF NOT EXISTS {{ identifier(database, 'OPS', 'RETRAININGS') }} (
    REQUEST_ID VARCHAR, STATE VARCHAR, SIGNALS VARCHAR, ALERT_IDS VARCHAR, MODEL_VERSION VARCHAR, REASON VARCHAR,
    RUN_ID VARCHAR, REQUESTED_AT TIMESTAMP_NTZ, OUTCOME VARCHAR, VERDICT_ID VARCHAR, SETTLED_AT TIMESTAMP_NTZ
);
