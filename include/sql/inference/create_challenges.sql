-- What the challenger did in each run of the loop; with an error the champion alone scored. ROWS_SCORED is NULL while the
-- run goes on, and stays so if it is killed or runs out of time.
CREATE TABLE IF NOT EXISTS {{ identifier(database, 'OPS', 'CHALLENGES') }} (
    RUN_ID VARCHAR, MODEL_NAME VARCHAR, MODE VARCHAR, CHAMPION VARCHAR, CHALLENGER VARCHAR, ROWS_SCORED NUMBER(38,0),
    ERROR VARCHAR, NOTED_AT TIMESTAMP_NTZ
)
