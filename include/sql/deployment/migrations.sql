-- What an environment of the version before needs besides new objects and columns, which the plan adds by itself.
-- Each migration can be repeated: one that was interrupted is done again.

-- name: version_2
-- Version 1 recorded no deployments: the history begins with a row that says so, by whoever promoted last.
INSERT INTO {{ identifier(database, 'OPS', 'DEPLOYMENTS') }} (
    PART, GIT_COMMIT, TOOL_VERSION, PLAN_HASH, STEPS, DONE_BY, DONE_AT
)
SELECT 'before deployments were recorded', L.GIT_COMMIT, NULL, NULL, NULL, L.DONE_BY, L.DONE_AT
FROM {{ identifier(database, 'OPS', 'LEDGER') }} AS L
WHERE NOT EXISTS (SELECT 1 FROM {{ identifier(database, 'OPS', 'DEPLOYMENTS') }})
QUALIFY ROW_NUMBER() OVER (ORDER BY L.ENTRY DESC) = 1
