-- name: ledger_entries
SELECT
    ENTRY, ACTION, FROM_VERSION, TO_VERSION, VERDICT_ID, TRAINING_SET, GIT_COMMIT, DONE_BY, DONE_AT, LOCK_HASH,
    OVERRIDE_BY, OVERRIDE_REASON, APPROVED_BY, APPROVAL_REASON, REASON, OVERRIDE_CHECKS, OVERRIDE_UNTIL, CANARY_SHARE,
    REFERENCE, ENTRY_HASH, FROM_TARGET, FROM_ACCOUNT, FROM_VERDICT_ID, FILES, JUDGED_VERSION
FROM {{ identifier(database, 'OPS', 'LEDGER') }}
ORDER BY ENTRY

-- name: recorded_champion
-- The last change of the champion: which version the ledger says is champion, and which one was before.
SELECT TO_VERSION, FROM_VERSION
FROM {{ identifier(database, 'OPS', 'LEDGER') }}
WHERE ACTION IN ('promote', 'rollback')
ORDER BY ENTRY DESC
LIMIT 1

-- name: recorded_reference
-- The version that no champion may be much worse than; in an environment of an earlier version it begins with the champion.
SELECT COALESCE(REFERENCE, TO_VERSION) AS REFERENCE
FROM {{ identifier(database, 'OPS', 'LEDGER') }}
WHERE ACTION IN ('promote', 'rollback', 'reset')
ORDER BY ENTRY DESC
LIMIT 1

-- name: lock_ledger
-- Whoever updates the head may append, until the transaction ends: two at once would give one number twice.
UPDATE {{ identifier(database, 'OPS', 'LEDGER_HEAD') }} SET ENTRY = ENTRY

-- name: append_to_ledger
INSERT INTO {{ identifier(database, 'OPS', 'LEDGER') }} (
    ENTRY, ACTION, MODEL_NAME, FROM_VERSION, TO_VERSION, VERDICT_ID, TRAINING_SET, GIT_COMMIT, DONE_BY, DONE_AT,
    LOCK_HASH, OVERRIDE_BY, OVERRIDE_REASON, APPROVED_BY, APPROVAL_REASON, REASON, OVERRIDE_CHECKS, OVERRIDE_UNTIL,
    CANARY_SHARE, REFERENCE, ENTRY_HASH, FROM_TARGET, FROM_ACCOUNT, FROM_VERDICT_ID, FILES, JUDGED_VERSION
)
SELECT
    {{ entry.entry|bind }}, {{ entry.action|bind }}, {{ model|bind }}, {{ entry.from_version|bind }},
    {{ entry.to_version|bind }}, {{ entry.verdict_id|bind }}, {{ entry.training_set|bind }},
    {{ entry.git_commit|bind }}, {{ entry.done_by|bind }}, {{ entry.done_at|string|bind }}::TIMESTAMP_NTZ,
    {{ entry.lock_hash|bind }}, {{ entry.override_by|bind }}, {{ entry.override_reason|bind }},
    {{ entry.approved_by|bind }}, {{ entry.approval_reason|bind }}, {{ entry.reason|bind }},
    {{ entry.override_checks|bind }},
    {{ (entry.override_until|string if entry.override_until else none)|bind }}::TIMESTAMP_NTZ,
    {{ entry.canary_share|bind }}::FLOAT, {{ entry.reference|bind }}, {{ entry.entry_hash|bind }},
    {{ entry.from_target|bind }}, {{ entry.from_account|bind }}, {{ entry.from_verdict_id|bind }}, {{ entry.files|bind }},
    {{ entry.judged_version|bind }}

-- name: move_head
UPDATE {{ identifier(database, 'OPS', 'LEDGER_HEAD') }}
SET ENTRY = {{ entry.entry|bind }}, ENTRY_HASH = {{ entry.entry_hash|bind }}

-- name: ledger_head
SELECT ENTRY, ENTRY_HASH FROM {{ identifier(database, 'OPS', 'LEDGER_HEAD') }}

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
