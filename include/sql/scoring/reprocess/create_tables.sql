-- Scoring outside the loop: the progress of a backfill, what was requeued.
CREATE TABLE IF NOT EXISTS {{ identifier(database, 'OPS', 'BACKFILLS') }} (
    RUN_ID VARCHAR, REQUEST VARCHAR, MODEL_VERSION VARCHAR, BATCHES NUMBER(38,0), BATCHES_DONE NUMBER(38,0),
    ROWS_TOTAL NUMBER(38,0), ROWS_SCORED NUMBER(38,0), STARTED_AT TIMESTAMP_NTZ, FINISHED_AT TIMESTAMP_NTZ
);

CREATE TABLE IF NOT EXISTS {{ identifier(database, 'OPS', 'BACKFILL_KEYS') }} (
    RUN_ID VARCHAR, BATCH NUMBER(38,0),
    {% for column in key %}
    {{ column|identifier }} {{ streamed.table_columns[column].type }}{{ "," if not loop.last }}
    {% endfor %}
);

CREATE TABLE IF NOT EXISTS {{ identifier(database, 'SERVING', 'REQUEUED') }} (
    {% for column in key %}
    {{ column|identifier }} {{ streamed.table_columns[column].type }},
    {% endfor %}
    RUN_ID VARCHAR, REQUEUED_AT TIMESTAMP_NTZ
);

-- The scoring lock, one row: whoever updates it, a scoring run, a requeue or a recovery, owns it until the transaction ends.
CREATE TABLE IF NOT EXISTS {{ identifier(database, 'OPS', 'REPAIR_LOCK') }} AS SELECT 'nobody'::VARCHAR AS HOLDER;

-- Rows that a recovery found missing, for the time of its transaction.
CREATE TABLE IF NOT EXISTS {{ identifier(database, 'OPS', 'RECOVERY_ROWS') }} (
    {% for column, declared in streamed.table_columns.items() %}
    {{ column|identifier }} {{ declared.type }},
    {% endfor %}
    SNOWLOOP_NUMBER NUMBER(38,0), RUN_ID VARCHAR
);

-- Versions of source rows that were corrected or deleted, by run; GONE: no row of the key that keeps the contract is left.
CREATE TABLE IF NOT EXISTS {{ identifier(database, 'SERVING', 'CORRECTIONS') }} (
    {% for column in key %}
    {{ column|identifier }} {{ streamed.table_columns[column].type }},
    {% endfor %}
    REMOVED NUMBER(38,0), STAYING NUMBER(38,0), GONE BOOLEAN, RUN_ID VARCHAR, CORRECTED_AT TIMESTAMP_NTZ
);
