-- Look-ups of a deployment: what exists, and what was applied.

-- name: columns
SELECT
    TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, DATA_TYPE, CHARACTER_MAXIMUM_LENGTH, NUMERIC_PRECISION, NUMERIC_SCALE,
    DATETIME_PRECISION
FROM {{ database|identifier }}.INFORMATION_SCHEMA.COLUMNS
WHERE TABLE_SCHEMA IN ('RAW', 'FEATURES', 'SERVING', 'OPS')
ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION

-- name: loaded_sources
SELECT DISTINCT SOURCE FROM {{ identifier(database, 'OPS', 'LOADS') }}

-- name: schema_version
SELECT MAX(VERSION) AS VERSION, MAX_BY(TOOL_VERSION, VERSION) AS TOOL_VERSION
FROM {{ identifier(database, 'OPS', 'SCHEMA_VERSION') }}

-- name: record_schema_version
INSERT INTO {{ identifier(database, 'OPS', 'SCHEMA_VERSION') }} (VERSION, TOOL_VERSION, MIGRATED_AT)
SELECT {{ version|bind }}, {{ tool_version|bind }}, SYSDATE()

-- name: last_deployment
SELECT PART, GIT_COMMIT, TOOL_VERSION, PLAN_HASH, STEPS, OBJECTS::VARCHAR AS OBJECTS, DONE_BY, ROLE_NAME, DONE_AT
FROM {{ identifier(database, 'OPS', 'DEPLOYMENTS') }}
WHERE PART = {{ part|bind }}
ORDER BY DONE_AT DESC
LIMIT 1

-- name: record_deployment
INSERT INTO {{ identifier(database, 'OPS', 'DEPLOYMENTS') }} (
    PART, GIT_COMMIT, TOOL_VERSION, PLAN_HASH, STEPS, OBJECTS, DONE_BY, ROLE_NAME, ACCOUNT_NAME, DONE_AT
)
SELECT
    {{ part|bind }}, {{ git_commit|bind }}, {{ tool_version|bind }}, {{ plan_hash|bind }}, {{ steps|bind }},
    PARSE_JSON({{ objects|bind }}), CURRENT_USER(), CURRENT_ROLE(), CURRENT_ACCOUNT(), SYSDATE()

-- name: fingerprints
-- The last one of each part in each stage.
SELECT STAGE, PART, FINGERPRINT
FROM {{ identifier(database, 'OPS', 'FINGERPRINTS') }}
QUALIFY ROW_NUMBER() OVER (PARTITION BY STAGE, PART ORDER BY RECORDED_AT DESC) = 1

-- name: record_fingerprints
INSERT INTO {{ identifier(database, 'OPS', 'FINGERPRINTS') }} (STAGE, PART, FINGERPRINT, GIT_COMMIT, RECORDED_AT)
SELECT COLUMN1, COLUMN2, COLUMN3, {{ git_commit|bind }}, SYSDATE()
FROM VALUES
    {% for each in fingerprints %}
    ({{ each.stage|bind }}, {{ each.part|bind }}, {{ each.fingerprint|bind }}){{ "," if not loop.last }}
    {% endfor %}
