SELECT
    (SELECT COUNT(*) FROM {{ table }}) AS SOURCE_ROWS,
    (SELECT COUNT(*) FROM {{ identifier(database, 'SERVING', 'BASELINE') }}) AS BASELINE_ROWS,
    (SELECT COUNT(*) FROM ({% include "backfill/own_scores.sql" %}) AS O) AS SCORED_ROWS,
    (SELECT COUNT(*) FROM {{ identifier(database, 'SERVING', 'QUARANTINE') }})
        - (SELECT COUNT(*) FROM {{ identifier(database, 'SERVING', 'REQUEUED') }}) AS QUARANTINED_ROWS,
    (SELECT COUNT(*) FROM {{ stream }} WHERE METADATA$ACTION = 'INSERT') AS PENDING_ROWS,
    (SELECT COALESCE(SUM(REMOVED), 0) FROM {{ identifier(database, 'SERVING', 'CORRECTIONS') }})
        + (SELECT COUNT(*) FROM {{ stream }} WHERE METADATA$ACTION = 'DELETE') AS REMOVED_ROWS
