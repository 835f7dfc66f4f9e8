-- Views hold no data: one whose comment is another fingerprint is replaced.
{% for name, source in sources.items() if source.table %}
-- A source that others fill is read where it is, under the declared names.
CREATE OR REPLACE VIEW {{ identifier(database, 'RAW', name|upper) }} COPY GRANTS COMMENT = {{ comment|literal }} AS
SELECT
    {% for column, spelled in source.spelled_columns.items() %}
    {{ spelled|identifier }} AS {{ column|identifier }}{{ "," if not loop.last }}
    {% endfor %}
FROM {{ identifier(*source.origin(target)) }};
{% endfor %}

{% import "champion/latest_scores.sql" as scores with context %}
-- SERVING.SCORED is a history; of each key the newest score counts, unless the row that it is of is gone.
CREATE OR REPLACE VIEW {{ identifier(database, 'SERVING', 'LATEST_SCORES') }} COPY GRANTS COMMENT = {{ comment|literal }} AS
SELECT {{ key|identifiers("S") }}, {{ "S.PREDICTION, S.PROBABILITIES, " if classes }}S.SCORE, S.MODEL_VERSION, S.RUN_ID, S.SCORED_AT, S.EVENT_TIME, S.FEATURES
FROM {{ identifier(database, 'SERVING', 'SCORED') }} AS S
{{ scores.gone() }}
WHERE TRUE
{{ scores.newest() }};

GRANT SELECT ON VIEW {{ identifier(database, 'SERVING', 'LATEST_SCORES') }} TO ROLE {{ reader|identifier }};

{% if key != entity %}
-- A key comes again, as a row with another event time: of each key the row with the newest.
CREATE OR REPLACE VIEW {{ identifier(database, 'SERVING', 'LATEST_SCORES_BY_KEY') }} COPY GRANTS COMMENT = {{ comment|literal }} AS
SELECT S.* FROM {{ identifier(database, 'SERVING', 'LATEST_SCORES') }} AS S
QUALIFY ROW_NUMBER() OVER (PARTITION BY {{ entity|identifiers("S") }} ORDER BY S.{{ event_time|identifier }} DESC) = 1;

GRANT SELECT ON VIEW {{ identifier(database, 'SERVING', 'LATEST_SCORES_BY_KEY') }} TO ROLE {{ reader|identifier }};
{% endif %}

CREATE OR REPLACE VIEW {{ identifier(database, 'OPS', 'DAILY_METRICS') }} COPY GRANTS COMMENT = {{ comment|literal }} AS
SELECT
    DAY, MODEL_VERSION,
    COUNT(*) AS RUNS,
    SUM(ROWS_READ) AS ROWS_READ,
    SUM(ROWS_SCORED) AS ROWS_SCORED,
    SUM(ROWS_QUARANTINED) AS ROWS_QUARANTINED,
    SUM(MEAN_SCORE * ROWS_SCORED) / NULLIF(SUM(ROWS_SCORED), 0) AS MEAN_SCORE,
    SUM(ROWS_SCORED) / NULLIF(SUM(SUM(ROWS_SCORED)) OVER (PARTITION BY DAY), 0) AS SHARE_OF_DAY
FROM {{ identifier(database, 'OPS', 'METRICS') }}
GROUP BY DAY, MODEL_VERSION;

-- For dashboards: each alert with the times in hours, and who acknowledged or muted it last.
CREATE OR REPLACE VIEW {{ identifier(database, 'OPS', 'ALERT_HISTORY') }} COPY GRANTS COMMENT = {{ comment|literal }} AS
SELECT
    A.ALERT_ID, A.SIGNAL, A.MODEL_VERSION, A.SEVERITY, A.STATE, A.OPENED_AT, A.CLOSED_AT,
    DATEDIFF('minute', A.OPENED_AT, COALESCE(A.CLOSED_AT, SYSDATE())) / 60 AS HOURS_OPEN,
    A.WINDOWS_BAD, A.VALUE, A.BOUND, A.REASON, A.LAST_SEEN, A.MUTED_UNTIL,
    COALESCE(A.MUTED_UNTIL > SYSDATE(), FALSE) AS MUTED,
    P.EVENT AS LAST_ACTION, P.DONE_BY AS LAST_ACTION_BY, P.DONE_AT AS LAST_ACTION_AT, P.REASON AS LAST_ACTION_REASON
FROM {{ identifier(database, 'OPS', 'ALERTS') }} AS A
LEFT JOIN (
    SELECT ALERT_ID, EVENT, DONE_BY, DONE_AT, REASON
    FROM {{ identifier(database, 'OPS', 'ALERT_EVENTS') }}
    WHERE DONE_BY IS NOT NULL
    QUALIFY ROW_NUMBER() OVER (PARTITION BY ALERT_ID ORDER BY DONE_AT DESC, EVENT_ID DESC) = 1
) AS P ON P.ALERT_ID = A.ALERT_ID;
