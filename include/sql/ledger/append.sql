INSERT INTO {{ identifier(database, 'OPS', 'LEDGER') }} (
    ENTRY, ACTION, MODEL_NAME, FROM_VERSION, TO_VERSION, VERDICT_ID, TRAINING_SET, GIT_COMMIT, DONE_BY, DONE_AT,
    LOCK_HASH, OVERRIDE_BY, OVERRIDE_REASON, APPROVED_BY, APPROVAL_REASON, REASON
)
SELECT
    COALESCE(MAX(ENTRY), 0) + 1, {{ change.action|literal }}, {{ model|literal }}, {{ change.from_version|literal }},
    {{ change.to_version|literal }}, {{ change.verdict_id|literal }}, {{ change.training_set|literal }},
    {{ git_commit|literal }}, CURRENT_USER(), SYSDATE(), {{ lock_hash|literal }},
    {{ (change.override.by if change.override else none)|literal }},
    {{ (change.override.reason if change.override else none)|literal }},
    {{ (change.approval.by if change.approval else none)|literal }},
    {{ (change.approval.reason if change.approval else none)|literal }}, {{ change.reason|literal }}
FROM {{ identifier(database, 'OPS', 'LEDGER') }}
