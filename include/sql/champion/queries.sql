-- name: ledger_entries
SELECT
    ENTRY, ACTION, FROM_VERSION, TO_VERSION, VERDICT_ID, TRAINING_SET, GIT_COMMIT, DONE_BY, DONE_AT, LOCK_HASH,
    OVERRIDE_BY, OVERRIDE_REASON, APPROVED_BY, APPROVAL_REASON, REASON
FROM {{ identifier(database, 'OPS', 'LEDGER') }}
ORDER BY ENTRY

-- name: append_to_ledger
INSERT INTO {{ identifier(database, 'OPS', 'LEDGER') }} (
    ENTRY, ACTION, MODEL_NAME, FROM_VERSION, TO_VERSION, VERDICT_ID, TRAINING_SET, GIT_COMMIT, DONE_BY, DONE_AT,
    LOCK_HASH, OVERRIDE_BY, OVERRIDE_REASON, APPROVED_BY, APPROVAL_REASON, REASON
)
SELECT
    COALESCE(MAX(ENTRY), 0) + 1, {{ change.action|bind }}, {{ model|bind }}, {{ change.from_version|bind }},
    {{ change.to_version|bind }}, {{ change.verdict_id|bind }}, {{ change.training_set|bind }},
    {{ git_commit|bind }}, CURRENT_USER(), SYSDATE(), {{ lock_hash|bind }},
    {{ (change.override.by if change.override else none)|bind }},
    {{ (change.override.reason if change.override else none)|bind }},
    {{ (change.approval.by if change.approval else none)|bind }},
    {{ (change.approval.reason if change.approval else none)|bind }}, {{ change.reason|bind }}
FROM {{ identifier(database, 'OPS', 'LEDGER') }}

-- name: scored_since
-- The loop's own runs that began since a moment, and how many rows of which version each has scored.
SELECT R.RUN_ID, R.STATE, R.ERROR, S.MODEL_VERSION, COUNT(S.MODEL_VERSION) AS N
FROM {{ identifier(database, 'OPS', 'RUNS') }} AS R
LEFT JOIN {{ identifier(database, 'SERVING', 'SCORED') }} AS S ON S.RUN_ID = R.RUN_ID
WHERE R.KIND IS NULL AND R.STARTED_AT >= {{ since|bind }}::TIMESTAMP_NTZ
GROUP BY R.RUN_ID, R.STATE, R.ERROR, R.FINISHED_AT, S.MODEL_VERSION
ORDER BY R.FINISHED_AT

-- name: challenger_runs
-- How often a challenger scored together with a champion, how often it could not, and why not the last time.
SELECT
    COUNT(*) AS RUNS,
    COUNT(ERROR) AS FAILED,
    (
        SELECT ERROR FROM {{ identifier(database, 'OPS', 'CHALLENGES') }}
        WHERE CHALLENGER = {{ challenger|bind }} AND CHAMPION = {{ champion|bind }} AND MODE = {{ mode|bind }}
            AND ERROR IS NOT NULL
        ORDER BY NOTED_AT DESC
        LIMIT 1
    ) AS LAST_ERROR
FROM {{ identifier(database, 'OPS', 'CHALLENGES') }}
WHERE CHALLENGER = {{ challenger|bind }} AND CHAMPION = {{ champion|bind }} AND MODE = {{ mode|bind }}
    AND ROWS_SCORED IS NOT NULL
