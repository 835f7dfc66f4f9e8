-- Counts a batch as done, unless another process has done it: then no row is updated.
UPDATE {{ identifier(database, 'OPS', 'BACKFILLS') }}
SET BATCHES_DONE = {{ batch }}
WHERE RUN_ID = {{ run_id|literal }} AND BATCHES_DONE = {{ batch - 1 }}
