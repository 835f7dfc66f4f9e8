-- Alerts as state: what is read before a look at the windows, and what is written after it.

-- name: lock_owner
SELECT HOLDER FROM {{ identifier(database, 'OPS', 'ALERT_LOCK') }}

-- name: acquire_lock
-- Whoever updates it owns it until the transaction ends: two looks at the same windows open one alert.
UPDATE {{ identifier(database, 'OPS', 'ALERT_LOCK') }} SET HOLDER = {{ owner|bind }} WHERE HOLDER = {{ previous_owner|bind }}

-- name: newest_alerts
-- Of each signal and version the newest alert: at most this one can be open.
SELECT
    ALERT_ID, SIGNAL, MODEL_VERSION, SEVERITY, STATE, OPENED_AT, FIRST_SEEN, LAST_SEEN, CLOSED_AT, WINDOWS_BAD, VALUE, BOUND,
    REASON, MUTED_UNTIL, LAST_MESSAGE_AT, EVENTS
FROM {{ identifier(database, 'OPS', 'ALERTS') }}
QUALIFY ROW_NUMBER() OVER (PARTITION BY SIGNAL, MODEL_VERSION ORDER BY OPENED_AT DESC, ALERT_ID) = 1
ORDER BY SIGNAL, MODEL_VERSION

-- name: judged_windows
-- The newest windows of each signal and version that were judged; of a window that was judged again the last judgement.
-- A check without a window is one of the moment at which it was made. What ended before `since` is not read.
WITH JUDGED AS (
    SELECT
        NAME, MODEL_VERSION, COALESCE(WINDOW_START, CHECKED_AT) AS WINDOW_START, COALESCE(WINDOW_END, CHECKED_AT) AS WINDOW_END,
        VALUE, BOUND, PASSED, REASON, CHECKED_AT
    FROM {{ identifier(database, 'OPS', 'MONITORING_CHECKS') }}
    WHERE CHECKED_AT >= {{ since|bind }}::TIMESTAMP_NTZ AND COALESCE(WINDOW_END, CHECKED_AT) >= {{ since|bind }}::TIMESTAMP_NTZ
    QUALIFY ROW_NUMBER() OVER (
        PARTITION BY NAME, MODEL_VERSION, COALESCE(WINDOW_START, CHECKED_AT), COALESCE(WINDOW_END, CHECKED_AT)
        ORDER BY CHECKED_AT DESC
    ) = 1
)
SELECT NAME, MODEL_VERSION, WINDOW_START, WINDOW_END, PASSED, VALUE, BOUND, REASON
FROM JUDGED
WHERE PASSED IS NOT NULL AND (MODEL_VERSION IS NULL OR MODEL_VERSION = {{ champion|bind }})
QUALIFY ROW_NUMBER() OVER (PARTITION BY NAME, MODEL_VERSION ORDER BY WINDOW_END DESC, WINDOW_START DESC) <= {{ windows }}
ORDER BY NAME, MODEL_VERSION, WINDOW_END, WINDOW_START

-- name: last_judged
SELECT NAME, MAX(CHECKED_AT) AS JUDGED_AT
FROM {{ identifier(database, 'OPS', 'MONITORING_CHECKS') }}
WHERE PASSED IS NOT NULL AND CHECKED_AT >= {{ since|bind }}::TIMESTAMP_NTZ
GROUP BY NAME
ORDER BY NAME

-- name: save_alerts
MERGE INTO {{ identifier(database, 'OPS', 'ALERTS') }} AS T
USING (
    {% for alert in alerts %}
    SELECT
        {{ alert.alert_id|bind }} AS ALERT_ID,
        {{ alert.signal|bind }} AS SIGNAL,
        {{ alert.model_version|bind }}::VARCHAR AS MODEL_VERSION,
        {{ alert.severity|bind }} AS SEVERITY,
        {{ alert.state|bind }} AS STATE,
        {{ alert.opened_at|bind }}::TIMESTAMP_NTZ AS OPENED_AT,
        {{ alert.first_seen|bind }}::TIMESTAMP_NTZ AS FIRST_SEEN,
        {{ alert.last_seen|bind }}::TIMESTAMP_NTZ AS LAST_SEEN,
        {{ alert.closed_at|bind }}::TIMESTAMP_NTZ AS CLOSED_AT,
        {{ alert.windows_bad|bind }}::NUMBER(38,0) AS WINDOWS_BAD,
        {{ alert.value|bind }}::FLOAT AS VALUE,
        {{ alert.bound|bind }}::FLOAT AS BOUND,
        {{ alert.reason|bind }} AS REASON,
        {{ alert.muted_until|bind }}::TIMESTAMP_NTZ AS MUTED_UNTIL,
        {{ alert.last_message_at|bind }}::TIMESTAMP_NTZ AS LAST_MESSAGE_AT,
        {{ alert.events|bind }}::NUMBER(38,0) AS EVENTS
    {{ "UNION ALL" if not loop.last }}
    {% endfor %}
) AS S ON T.ALERT_ID = S.ALERT_ID
{% set columns = ["SEVERITY", "STATE", "LAST_SEEN", "CLOSED_AT", "WINDOWS_BAD", "VALUE", "BOUND", "REASON", "MUTED_UNTIL", "LAST_MESSAGE_AT", "EVENTS"] %}
WHEN MATCHED THEN UPDATE SET {% for column in columns %}{{ column }} = S.{{ column }}{{ ", " if not loop.last }}{% endfor %}

{% set columns = ["ALERT_ID", "SIGNAL", "MODEL_VERSION", "OPENED_AT", "FIRST_SEEN"] + columns %}
WHEN NOT MATCHED THEN INSERT ({{ columns|join(", ") }}) VALUES ({% for column in columns %}S.{{ column }}{{ ", " if not loop.last }}{% endfor %})

-- name: save_events
INSERT INTO {{ identifier(database, 'OPS', 'ALERT_EVENTS') }}
    (EVENT_ID, ALERT_ID, EVENT, DONE_AT, SEVERITY, REASON, DONE_BY, MESSAGE)
{% for event in events %}
SELECT
    {{ event.event_id|bind }}, {{ event.alert_id|bind }}, {{ event.kind|bind }}, {{ event.at|bind }}::TIMESTAMP_NTZ,
    {{ event.severity|bind }}, {{ event.reason|bind }}, {{ event.by|bind }}::VARCHAR, {{ event.message|bind }}::VARCHAR
{{ "UNION ALL" if not loop.last }}
{% endfor %}

-- name: alerts
-- Alerts that are open, or all of them, the newest first.
SELECT
    ALERT_ID, SIGNAL, MODEL_VERSION, SEVERITY, STATE, OPENED_AT, FIRST_SEEN, LAST_SEEN, CLOSED_AT, WINDOWS_BAD, VALUE, BOUND,
    REASON, MUTED_UNTIL, LAST_MESSAGE_AT, EVENTS
FROM {{ identifier(database, 'OPS', 'ALERTS') }}
{{ "WHERE STATE <> 'closed'" if not closed }}
ORDER BY OPENED_AT DESC, SIGNAL, ALERT_ID

-- name: unsent
-- Messages of the last day that a notifier has not sent yet, in order; an older one is no news: a reminder follows it.
SELECT E.EVENT_ID, E.ALERT_ID, E.EVENT, E.DONE_AT, E.SEVERITY, A.SIGNAL, E.MESSAGE
FROM {{ identifier(database, 'OPS', 'ALERT_EVENTS') }} AS E
JOIN {{ identifier(database, 'OPS', 'ALERTS') }} AS A ON A.ALERT_ID = E.ALERT_ID
LEFT JOIN {{ identifier(database, 'OPS', 'ALERT_DELIVERIES') }} AS D
    ON D.EVENT_ID = E.EVENT_ID AND D.NOTIFIER = {{ notifier|bind }}
WHERE E.MESSAGE IS NOT NULL AND D.EVENT_ID IS NULL AND E.DONE_AT >= DATEADD('day', -1, SYSDATE())
ORDER BY E.DONE_AT, E.EVENT_ID

-- name: record_delivery
INSERT INTO {{ identifier(database, 'OPS', 'ALERT_DELIVERIES') }} (EVENT_ID, NOTIFIER, SENT_AT)
{% for event_id in event_ids %}
SELECT {{ event_id|bind }}, {{ notifier|bind }}, SYSDATE()
{{ "UNION ALL" if not loop.last }}
{% endfor %}
