-- name: identity
-- Where a session is, and as whom: to be compared with the declared target.
SELECT
    CURRENT_ACCOUNT() AS LOCATOR,
    CURRENT_ORGANIZATION_NAME() || '-' || CURRENT_ACCOUNT_NAME() AS ACCOUNT,
    CURRENT_ROLE() AS ROLE_NAME,
    CURRENT_DATABASE() AS DATABASE_NAME

-- name: use_warehouse
USE WAREHOUSE {{ warehouse|identifier }}
