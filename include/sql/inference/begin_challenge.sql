-- Committed before the run's transaction begins: what is left of a run that is killed, or runs out of time.
INSERT INTO {{ identifier(database, 'OPS', 'CHALLENGES') }} (RUN_ID, MODEL_NAME, MODE, CHAMPION, CHALLENGER, NOTED_AT)
SELECT '<<run_id>>', {{ model_name|literal }}, {{ mode|literal }}, '<<version>>', '<<challenger>>', SYSDATE()
