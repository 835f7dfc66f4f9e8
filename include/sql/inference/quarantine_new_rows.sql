INSERT INTO {{ identifier(database, 'SERVING', 'QUARANTINE') }}
    ({{ columns|identifiers }}, REASON, SOURCE, RUN_ID, QUARANTINED_AT)
WITH
{% include "inference/checked_arrivals.sql" %}
SELECT {{ columns|identifiers }}, SNOWLOOP_REASON, {{ source|literal }}, '<<run_id>>', SYSDATE()
FROM CHECKED
WHERE SNOWLOOP_REASON IS NOT NULL
