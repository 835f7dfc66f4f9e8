-- The objects of an environment, as plan compares them with what exists: what is missing is created, columns are added.
CREATE WAREHOUSE IF NOT EXISTS {{ warehouse|identifier }}
    WAREHOUSE_SIZE = {{ warehouse_size }} AUTO_SUSPEND = 60 AUTO_RESUME = TRUE INITIALLY_SUSPENDED = TRUE;

CREATE DATABASE IF NOT EXISTS {{ database|identifier }};
CREATE SCHEMA IF NOT EXISTS {{ identifier(database, 'RAW') }};
CREATE SCHEMA IF NOT EXISTS {{ identifier(database, 'FEATURES') }};
CREATE SCHEMA IF NOT EXISTS {{ identifier(database, 'MODELS') }};
CREATE SCHEMA IF NOT EXISTS {{ identifier(database, 'SERVING') }};
CREATE SCHEMA IF NOT EXISTS {{ identifier(database, 'OPS') }};

-- The lock of deployments, one row, which a deployment that creates the environment acquires as soon as it is there.
CREATE TABLE IF NOT EXISTS {{ identifier(database, 'OPS', 'DEPLOYMENT_LOCK') }} AS
SELECT
    NULL::VARCHAR AS HOLDER, NULL::VARCHAR AS USER_NAME, NULL::VARCHAR AS DOING, NULL::TIMESTAMP_NTZ AS SINCE,
    NULL::TIMESTAMP_NTZ AS EXPIRES_AT;

-- Files on their way into RAW, and the code of procedures under names that carry its hash.
CREATE STAGE IF NOT EXISTS {{ identifier(database, 'RAW', 'LANDING') }};
CREATE STAGE IF NOT EXISTS {{ identifier(database, 'MODELS', 'CODE') }};

{% if sources.values()|selectattr("stage")|list %}
-- How staged files are read again for the records that were rejected.
CREATE FILE FORMAT IF NOT EXISTS {{ identifier(database, 'RAW', 'LINES') }}
    TYPE = CSV FIELD_DELIMITER = NONE ESCAPE_UNENCLOSED_FIELD = NONE;
CREATE FILE FORMAT IF NOT EXISTS {{ identifier(database, 'RAW', 'PARQUET_FILES') }} TYPE = PARQUET;
{% endif %}

-- Columns of a RAW table have only types: rows that break the contract are loaded, and set aside with a reason later.
{% for name, source in sources.items() if not source.table %}
CREATE TABLE IF NOT EXISTS {{ identifier(database, 'RAW', name|upper) }} (
    {% for column, declared in source.table_columns.items() %}
    {{ column|identifier }} {{ declared.type }}{{ "," if not loop.last }}
    {% endfor %}
);
{% endfor %}

CREATE TABLE IF NOT EXISTS {{ identifier(database, 'RAW', 'REJECTED_LINES') }} (
    SOURCE VARCHAR, FILE VARCHAR, LINE NUMBER(38,0), COLUMN_NAME VARCHAR, REASON VARCHAR, RECORD VARCHAR,
    REJECTED_AT TIMESTAMP_NTZ
);

CREATE TABLE IF NOT EXISTS {{ identifier(database, 'FEATURES', 'SET_ASIDE') }} (
    {% for column, declared in streamed.table_columns.items() %}
    {{ column|identifier }} {{ declared.type }},
    {% endfor %}
    REASON VARCHAR, SOURCE VARCHAR, TRAINING_SET VARCHAR, SET_ASIDE_AT TIMESTAMP_NTZ
);

CREATE TABLE IF NOT EXISTS {{ identifier(database, 'SERVING', 'SCORED') }} (
    {% for column in key %}
    {{ column|identifier }} {{ streamed.table_columns[column].type }},
    {% endfor %}
    SCORE FLOAT, MODEL_VERSION VARCHAR, RUN_ID VARCHAR, SCORED_AT TIMESTAMP_NTZ,
    {{ "PREDICTION VARCHAR, PROBABILITIES VARIANT," if classes }}
    EVENT_TIME TIMESTAMP_NTZ, FEATURES VARIANT
);

CREATE TABLE IF NOT EXISTS {{ identifier(database, 'SERVING', 'QUARANTINE') }} (
    {% for column, declared in streamed.table_columns.items() %}
    {{ column|identifier }} {{ declared.type }},
    {% endfor %}
    REASON VARCHAR, SOURCE VARCHAR, RUN_ID VARCHAR, QUARANTINED_AT TIMESTAMP_NTZ
);

-- The version of these objects, one row for each that the environment went through; and what was applied to it.
CREATE TABLE IF NOT EXISTS {{ identifier(database, 'OPS', 'SCHEMA_VERSION') }} (
    VERSION NUMBER(38,0), TOOL_VERSION VARCHAR, MIGRATED_AT TIMESTAMP_NTZ
);

CREATE TABLE IF NOT EXISTS {{ identifier(database, 'OPS', 'DEPLOYMENTS') }} (
    PART VARCHAR, GIT_COMMIT VARCHAR, TOOL_VERSION VARCHAR, PLAN_HASH VARCHAR, STEPS NUMBER(38,0), OBJECTS VARIANT,
    DONE_BY VARCHAR, ROLE_NAME VARCHAR, ACCOUNT_NAME VARCHAR, DONE_AT TIMESTAMP_NTZ
);

-- With which content of each part of the project the environment was trained, judged and deployed.
CREATE TABLE IF NOT EXISTS {{ identifier(database, 'OPS', 'FINGERPRINTS') }} (
    STAGE VARCHAR, PART VARCHAR, FINGERPRINT VARCHAR, GIT_COMMIT VARCHAR, RECORDED_AT TIMESTAMP_NTZ
);

CREATE TABLE IF NOT EXISTS {{ identifier(database, 'OPS', 'LOADS') }} (
    SOURCE VARCHAR, FILE VARCHAR, MD5 VARCHAR, ROWS_READ NUMBER(38,0), ROWS_LOADED NUMBER(38,0),
    ROWS_REJECTED NUMBER(38,0), QUERY_ID VARCHAR, LOADED_AT TIMESTAMP_NTZ
);

CREATE TABLE IF NOT EXISTS {{ identifier(database, 'OPS', 'CONTRACT_CHECKS') }} (
    CHECK_RUN VARCHAR, SOURCE VARCHAR, CHECK_NAME VARCHAR, VALUE FLOAT, BOUND FLOAT, PASSED BOOLEAN, REASON VARCHAR,
    CHECKED_AT TIMESTAMP_NTZ
);

CREATE TABLE IF NOT EXISTS {{ identifier(database, 'OPS', 'TRAINING_SETS') }} (
    FINGERPRINT VARCHAR, TABLE_NAME VARCHAR, ROWS_TOTAL NUMBER(38,0), ROWS_HELD_OUT NUMBER(38,0),
    ROWS_SET_ASIDE NUMBER(38,0), GIT_COMMIT VARCHAR, CREATED_AT TIMESTAMP_NTZ, FEATURES_SQL VARCHAR
);

CREATE TABLE IF NOT EXISTS {{ identifier(database, 'OPS', 'LEAKAGE_CHECKS') }} (
    CHECK_ID VARCHAR, TRAINING_SET VARCHAR, CHECK_NAME VARCHAR, FEATURE VARCHAR, VALUE FLOAT, BOUND FLOAT,
    PASSED BOOLEAN, REASON VARCHAR, CHECKED_AT TIMESTAMP_NTZ
);

CREATE TABLE IF NOT EXISTS {{ identifier(database, 'OPS', 'EVALUATIONS') }} (
    EVALUATION_ID VARCHAR, MODEL_NAME VARCHAR, MODEL_VERSION VARCHAR, TRAINING_SET VARCHAR, NAME VARCHAR, SLICE VARCHAR,
    VALUE FLOAT, LOW FLOAT, HIGH FLOAT, ROWS_MEASURED NUMBER(38,0), EVALUATED_AT TIMESTAMP_NTZ
);

CREATE TABLE IF NOT EXISTS {{ identifier(database, 'OPS', 'EVALUATION_DETAILS') }} (
    EVALUATION_ID VARCHAR, MODEL_NAME VARCHAR, MODEL_VERSION VARCHAR, DETAILS VARIANT, EVALUATED_AT TIMESTAMP_NTZ
);

CREATE TABLE IF NOT EXISTS {{ identifier(database, 'OPS', 'VERDICTS') }} (
    VERDICT_ID VARCHAR, MODEL_NAME VARCHAR, MODEL_VERSION VARCHAR, CHECK_NAME VARCHAR, VALUE FLOAT, BOUND FLOAT,
    BASELINE FLOAT, PASSED BOOLEAN, REASON VARCHAR, TRAINING_SET VARCHAR, GIT_COMMIT VARCHAR, DECIDED_AT TIMESTAMP_NTZ,
    EVALUATION_ID VARCHAR, CHAMPION VARCHAR, CONTENT VARCHAR, VALID_UNTIL TIMESTAMP_NTZ, CANDIDATES VARCHAR,
    JUDGED_VERSION VARCHAR
);

-- The digest of each version's files when it was registered.
CREATE TABLE IF NOT EXISTS {{ identifier(database, 'OPS', 'MODEL_FILES') }} (
    MODEL_NAME VARCHAR, MODEL_VERSION VARCHAR, FILES VARCHAR, DONE_BY VARCHAR, DONE_AT TIMESTAMP_NTZ
);

-- Checks of the features of a training set, and rehearsals of a version.
CREATE TABLE IF NOT EXISTS {{ identifier(database, 'OPS', 'FEATURE_CHECKS') }} (
    TRAINING_SET VARCHAR, FEATURE VARCHAR, CHECK_NAME VARCHAR, VALUE FLOAT, BOUND FLOAT, PASSED BOOLEAN, REASON VARCHAR,
    CHECKED_AT TIMESTAMP_NTZ
);
CREATE TABLE IF NOT EXISTS {{ identifier(database, 'OPS', 'REHEARSALS') }} (
    NAME VARCHAR, MODEL_VERSION VARCHAR, VALUE FLOAT, BOUND FLOAT, PASSED BOOLEAN, REASON VARCHAR, GIT_COMMIT VARCHAR,
    DONE_AT TIMESTAMP_NTZ
);
-- Tests of the ML Test Score that people did and wrote down.
CREATE TABLE IF NOT EXISTS {{ identifier(database, 'OPS', 'TESTS_BY_HAND') }} (
    TEST VARCHAR, RESULT VARCHAR, DOCUMENT VARCHAR, DONE_BY VARCHAR, DONE_AT TIMESTAMP_NTZ
);

-- Model cards, one folder for each verdict.
CREATE STAGE IF NOT EXISTS {{ identifier(database, 'OPS', 'REPORTS') }};

CREATE TABLE IF NOT EXISTS {{ identifier(database, 'OPS', 'LEDGER') }} (
    ENTRY NUMBER(38,0), ACTION VARCHAR, MODEL_NAME VARCHAR, FROM_VERSION VARCHAR, TO_VERSION VARCHAR,
    VERDICT_ID VARCHAR, TRAINING_SET VARCHAR, GIT_COMMIT VARCHAR, DONE_BY VARCHAR, DONE_AT TIMESTAMP_NTZ,
    LOCK_HASH VARCHAR, OVERRIDE_BY VARCHAR, OVERRIDE_REASON VARCHAR, APPROVED_BY VARCHAR, APPROVAL_REASON VARCHAR,
    REASON VARCHAR, OVERRIDE_CHECKS VARCHAR, OVERRIDE_UNTIL TIMESTAMP_NTZ, CANARY_SHARE FLOAT, REFERENCE VARCHAR,
    ENTRY_HASH VARCHAR, FROM_TARGET VARCHAR, FROM_ACCOUNT VARCHAR, FROM_VERDICT_ID VARCHAR, FILES VARCHAR,
    JUDGED_VERSION VARCHAR
);
-- One row: the number and hash of the last entry; whoever updates it may append until the transaction ends.
CREATE TABLE IF NOT EXISTS {{ identifier(database, 'OPS', 'LEDGER_HEAD') }} AS
SELECT 0::NUMBER(38,0) AS ENTRY, NULL::VARCHAR AS ENTRY_HASH;

CREATE TABLE IF NOT EXISTS {{ identifier(database, 'OPS', 'RUNS') }} (
    RUN_ID VARCHAR, PROCEDURE_NAME VARCHAR, MODEL_NAME VARCHAR, MODEL_VERSION VARCHAR, STATE VARCHAR,
    ROWS_READ NUMBER(38,0), ROWS_SCORED NUMBER(38,0), ROWS_QUARANTINED NUMBER(38,0), ERROR VARCHAR,
    STARTED_AT TIMESTAMP_NTZ, FINISHED_AT TIMESTAMP_NTZ, KIND VARCHAR -- of scoring outside the loop; NULL: the loop's own
);

CREATE TABLE IF NOT EXISTS {{ identifier(database, 'OPS', 'TASK_RUNS') }} (
    TASK_NAME VARCHAR, QUERY_ID VARCHAR, GRAPH_RUN_GROUP_ID VARCHAR, STATE VARCHAR, ERROR VARCHAR,
    STARTED_AT TIMESTAMP_NTZ, FINISHED_AT TIMESTAMP_NTZ, LOGGED_AT TIMESTAMP_NTZ
);

-- One row for each run that scored; the view sums them by day and version.
CREATE TABLE IF NOT EXISTS {{ identifier(database, 'OPS', 'METRICS') }} (
    RUN_ID VARCHAR, DAY DATE, MODEL_VERSION VARCHAR, ROWS_READ NUMBER(38,0), ROWS_SCORED NUMBER(38,0),
    ROWS_QUARANTINED NUMBER(38,0), MEAN_SCORE FLOAT, MIN_SCORE FLOAT, MAX_SCORE FLOAT, REFRESHED_AT TIMESTAMP_NTZ,
    NOT_FINITE NUMBER(38,0), CLASS_SHARES VARIANT
);

-- What monitoring measured: a row a check and window. MODEL_VERSION is NULL where a check is about no version, WINDOW_START
-- and WINDOW_END where it is about the moment at which it was made; N is the number of rows; PASSED is NULL if it was not
-- judged. Of a window that was judged again the newest row counts.
CREATE TABLE IF NOT EXISTS {{ identifier(database, 'OPS', 'MONITORING_CHECKS') }} (
    NAME VARCHAR, MODEL_VERSION VARCHAR, VALUE FLOAT, BOUND FLOAT, PASSED BOOLEAN, REASON VARCHAR,
    CHECKED_AT TIMESTAMP_NTZ, WINDOW_START TIMESTAMP_NTZ, WINDOW_END TIMESTAMP_NTZ, N NUMBER(38,0)
);

{% include "monitoring/create_alert_tables.sql" %}

{% include "monitoring/create_retrainings.sql" %}

{% include "monitoring/create_probations.sql" %}

{% include "scoring/reprocess/create_tables.sql" %}

{% include "monitoring/create_tables.sql" %}

-- This role is all that readers of scores need.
CREATE ROLE IF NOT EXISTS {{ reader|identifier }};
GRANT USAGE ON DATABASE {{ database|identifier }} TO ROLE {{ reader|identifier }};
GRANT USAGE ON SCHEMA {{ identifier(database, 'SERVING') }} TO ROLE {{ reader|identifier }};
GRANT SELECT ON TABLE {{ identifier(database, 'SERVING', 'SCORED') }} TO ROLE {{ reader|identifier }};
