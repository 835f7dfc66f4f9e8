-- The deployment lock, one row: whoever changes an environment holds it until the end of its lease.

-- name: acquire
-- One UPDATE decides: of two at once the second one finds a holder, and updates nothing.
UPDATE {{ identifier(database, 'OPS', 'DEPLOYMENT_LOCK') }}
SET HOLDER = {{ holder|bind }}, USER_NAME = CURRENT_USER(), DOING = {{ doing|bind }}, SINCE = SYSDATE(),
    EXPIRES_AT = DATEADD('second', {{ seconds|bind }}, SYSDATE())
WHERE HOLDER IS NULL OR EXPIRES_AT <= SYSDATE()

-- name: renew
UPDATE {{ identifier(database, 'OPS', 'DEPLOYMENT_LOCK') }}
SET EXPIRES_AT = DATEADD('second', {{ seconds|bind }}, SYSDATE())
WHERE HOLDER = {{ holder|bind }}

-- name: release
UPDATE {{ identifier(database, 'OPS', 'DEPLOYMENT_LOCK') }}
SET HOLDER = NULL, USER_NAME = NULL, DOING = NULL, SINCE = NULL, EXPIRES_AT = NULL
WHERE HOLDER = {{ holder|bind }}

-- name: holder
SELECT HOLDER, USER_NAME, DOING, SINCE, EXPIRES_AT FROM {{ identifier(database, 'OPS', 'DEPLOYMENT_LOCK') }}

-- name: free
UPDATE {{ identifier(database, 'OPS', 'DEPLOYMENT_LOCK') }} SET HOLDER = NULL
