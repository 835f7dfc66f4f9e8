scoring loop of credit_approval in dev:
  = keep     stage files MODELS.CODE/snowloop_procedures_<hash>  (content as declared)
  = keep     stage files MODELS.CODE/score_<hash>  (content as declared)
  = keep     procedure   SERVING.SCORE_<hash>  (code as declared)
  = keep     stream      RAW.APPLICATION_RECORD_STREAM  (its offset is kept)
  = keep     table       SERVING.BASELINE  (keys from before the stream)
  = keep     task        SERVING.SCORE_NEW_ROWS  (as declared, and started)
  = keep     task        SERVING.REFRESH_MONITORING  (as declared, and started)
  = keep     task        SERVING.LOG_SCORE_RUN  (as declared, and started)
  - drop     procedure   SERVING.SCORE_<hash>  (nothing calls it; the present one and the one before it are kept)
  - drop     stage files MODELS.CODE/score_<hash>  (no procedure in use imports them)
8 to keep, 2 to drop; 2 steps
;

DROP PROCEDURE IF EXISTS "CREDIT_APPROVAL_DEV"."SERVING"."SCORE_<hash>"()
;

REMOVE @"CREDIT_APPROVAL_DEV"."MODELS"."CODE"/score_<hash>/
;
