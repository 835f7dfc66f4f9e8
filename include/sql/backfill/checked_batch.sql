{# CTE of one batch of a backfill: of good rows with one key the first in order of the columns, as in training; a row of the source before a mended one. #}
CHECKED AS (
    SELECT {{ columns|identifiers("S") }}, NULL::VARCHAR AS SNOWLOOP_REASON
    FROM {% include "backfill/source_rows.sql" %} AS S
    JOIN {{ identifier(database, 'OPS', 'BACKFILL_KEYS') }} AS B
        ON {% for column in key %}B.{{ column|identifier }} = S.{{ column|identifier }}{{ " AND " if not loop.last }}{% endfor %}

    WHERE B.RUN_ID = '<<run_id>>' AND B.BATCH = <<batch>> AND NOT {{ fails }}
    QUALIFY ROW_NUMBER() OVER (PARTITION BY {{ key|identifiers("S") }} ORDER BY S.SNOWLOOP_ORIGIN, {{ columns|identifiers("S") }}) = 1
)
