{# What a recovery found missed, in the place of the stream. #}
(
    SELECT {{ columns|identifiers }}, SNOWLOOP_NUMBER FROM {{ identifier(database, 'OPS', 'RECOVERY_ROWS') }}
    WHERE RUN_ID = {{ run_id|literal }}
)
