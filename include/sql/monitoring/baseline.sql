-- The bins of a training set, and its chunks in time order: written once, and never changed.

-- name: features
-- Of a number the deciles of the training rows, of a text the most frequent categories. A bin of numbers includes its lower edge;
-- the first and the last one are open, and BELOW and ABOVE hold what is outside of all that was trained on.
{% import "monitoring/bins.sql" as bins with context %}
{% set numbers = features|selectattr("type", "eq", "FLOAT")|list %}
{% set texts = features|rejectattr("type", "eq", "FLOAT")|list %}
INSERT INTO {{ identifier(database, 'OPS', 'BASELINES') }} (
    TRAINING_SET, COLUMN_NAME, KIND, BIN, POSITION, MEASURED_AS, LOWER, UPPER, CATEGORY, N, SHARE, MEAN, DEVIATION, WRITTEN_AT
)
WITH
TRAINING_ROWS AS (
    SELECT
        {{ bins.typed(features, "F") }}
    FROM {{ table }} AS F
    WHERE NOT IS_HOLDOUT
),
{{ bins.long_form("TRAINING_ROWS", features) }},
{% if numbers %}
FACTS AS (
    SELECT
        SNOWLOOP_COLUMN AS COLUMN_NAME, MIN(SNOWLOOP_NUMBER) AS LOW, MAX(SNOWLOOP_NUMBER) AS HIGH,
        AVG({{ bins.finite("SNOWLOOP_NUMBER") }}) AS MEAN, STDDEV({{ bins.finite("SNOWLOOP_NUMBER") }}) AS DEVIATION,
        {% for tenth in range(1, 10) %}
        PERCENTILE_DISC(0.{{ tenth }}) WITHIN GROUP (ORDER BY SNOWLOOP_NUMBER) AS DECILE_{{ tenth }}{{ "," if not loop.last }}
        {% endfor %}
    FROM NUMBERS
    GROUP BY SNOWLOOP_COLUMN
),
POINTS AS ( -- heavily tied numbers have fewer of them
    SELECT COLUMN_NAME, CUT, COUNT(*) AS TIED, LEAD(CUT) OVER (PARTITION BY COLUMN_NAME ORDER BY CUT) AS FOLLOWING_CUT
    FROM (
        SELECT COLUMN_NAME, LOW AS CUT FROM FACTS
        {% for tenth in range(1, 10) %}
        UNION ALL
        SELECT COLUMN_NAME, DECILE_{{ tenth }} FROM FACTS
        {% endfor %}
    ) AS P
    GROUP BY COLUMN_NAME, CUT
),
CUTS AS (
    SELECT COLUMN_NAME, CUT FROM POINTS
    UNION ALL
    -- what is above a tied number and below the next point: a rare flag would else be one bin, whose share never changes
    SELECT P.COLUMN_NAME, MIN(N.SNOWLOOP_NUMBER)
    FROM POINTS AS P
    JOIN NUMBERS AS N
        ON N.SNOWLOOP_COLUMN = P.COLUMN_NAME AND N.SNOWLOOP_NUMBER > P.CUT
        AND (P.FOLLOWING_CUT IS NULL OR N.SNOWLOOP_NUMBER < P.FOLLOWING_CUT)
    WHERE P.TIED > 1
    GROUP BY P.COLUMN_NAME, P.CUT
    HAVING COUNT(*) >= {{ least_rows }}
),
PLACES AS (
    SELECT
        COLUMN_NAME,
        ROW_NUMBER() OVER (PARTITION BY COLUMN_NAME ORDER BY CUT) AS POSITION,
        CUT AS LOWER,
        LEAD(CUT) OVER (PARTITION BY COLUMN_NAME ORDER BY CUT) AS UPPER
    FROM CUTS
),
EDGES AS (
    SELECT P.COLUMN_NAME, MAX(F.LOW) AS LOW, MAX(F.HIGH) AS HIGH, {{ bins.edges() }}
    FROM PLACES AS P
    JOIN FACTS AS F ON F.COLUMN_NAME = P.COLUMN_NAME
    GROUP BY P.COLUMN_NAME
),
COUNTED_NUMBERS AS (
    SELECT COLUMN_NAME, BIN, COUNT(*) AS N
    FROM (
        SELECT
            SNOWLOOP_COLUMN AS COLUMN_NAME,
            {{ bins.bin("SNOWLOOP_NUMBER") }} AS BIN
        FROM NUMBERS
        JOIN EDGES AS E ON E.COLUMN_NAME = SNOWLOOP_COLUMN
    ) AS P
    GROUP BY COLUMN_NAME, BIN
),
NUMBER_BINS AS (
    SELECT
        COLUMN_NAME, 'B' || LPAD(POSITION::VARCHAR, 2, '0') AS BIN, POSITION, 'B' || LPAD(POSITION::VARCHAR, 2, '0') AS MEASURED_AS,
        IFF(POSITION = 1, NULL, LOWER) AS LOWER, UPPER
    FROM PLACES
    UNION ALL
    SELECT COLUMN_NAME, 'BELOW', 0, 'B01', NULL, LOW FROM FACTS
    UNION ALL
    SELECT P.COLUMN_NAME, 'ABOVE', 11, 'B' || LPAD(MAX(P.POSITION)::VARCHAR, 2, '0'), MAX(F.HIGH), NULL
    FROM PLACES AS P
    JOIN FACTS AS F ON F.COLUMN_NAME = P.COLUMN_NAME
    GROUP BY P.COLUMN_NAME
    UNION ALL
    SELECT COLUMN_NAME, 'NULL', 12, 'NULL', NULL, NULL FROM FACTS
),
{% endif %}
{% if texts %}
CATEGORIES AS (
    SELECT
        SNOWLOOP_COLUMN AS COLUMN_NAME, SUBSTR(SNOWLOOP_TEXT, 2) AS CATEGORY, COUNT(*) AS N,
        ROW_NUMBER() OVER (PARTITION BY SNOWLOOP_COLUMN ORDER BY COUNT(*) DESC, SNOWLOOP_TEXT) AS PLACE
    FROM TEXTS
    WHERE SNOWLOOP_TEXT <> ''
    GROUP BY SNOWLOOP_COLUMN, SNOWLOOP_TEXT
),
{% endif %}
BINS AS (
    {% if numbers %}
    SELECT
        B.COLUMN_NAME, 'number' AS KIND, B.BIN, B.POSITION, B.MEASURED_AS, B.LOWER, B.UPPER, NULL::VARCHAR AS CATEGORY,
        COALESCE(C.N, 0) AS N, F.MEAN, F.DEVIATION
    FROM NUMBER_BINS AS B
    JOIN FACTS AS F ON F.COLUMN_NAME = B.COLUMN_NAME
    LEFT JOIN COUNTED_NUMBERS AS C ON C.COLUMN_NAME = B.COLUMN_NAME AND C.BIN = B.BIN
    {{ "UNION ALL" if texts }}
    {% endif %}
    {% if texts %}
    SELECT
        COLUMN_NAME, 'category' AS KIND, BIN, IFF(BIN = 'OTHER', {{ most_bins + 1 }}, PLACE) AS POSITION, BIN AS MEASURED_AS,
        NULL::FLOAT AS LOWER, NULL::FLOAT AS UPPER, CATEGORY, N, NULL::FLOAT AS MEAN, NULL::FLOAT AS DEVIATION
    FROM (
        SELECT *, IFF(PLACE <= {{ most_bins }} AND N >= {{ least_rows }}, 'C' || LPAD(PLACE::VARCHAR, 2, '0'), 'OTHER') AS BIN FROM CATEGORIES
    ) AS C
    WHERE PLACE <= {{ most_categories }}
    UNION ALL
    SELECT
        T.COLUMN_NAME, 'category', 'UNSEEN', {{ most_bins + 2 }}, 'OTHER', NULL::FLOAT, NULL::FLOAT, NULL, COALESCE(SUM(C.N), 0), NULL::FLOAT, NULL::FLOAT
    FROM (SELECT DISTINCT SNOWLOOP_COLUMN AS COLUMN_NAME FROM TEXTS) AS T
    LEFT JOIN CATEGORIES AS C ON C.COLUMN_NAME = T.COLUMN_NAME AND C.PLACE > {{ most_categories }}
    GROUP BY T.COLUMN_NAME
    UNION ALL
    SELECT SNOWLOOP_COLUMN, 'category', 'NULL', {{ most_bins + 3 }}, 'NULL', NULL::FLOAT, NULL::FLOAT, NULL, COUNT_IF(SNOWLOOP_TEXT = ''), NULL::FLOAT, NULL::FLOAT
    FROM TEXTS
    GROUP BY SNOWLOOP_COLUMN
    {% endif %}
)
SELECT
    {{ training_set|bind }}, COLUMN_NAME, KIND, BIN, POSITION, MEASURED_AS, LOWER, UPPER, CATEGORY, N,
    N::FLOAT / SUM(N) OVER (PARTITION BY COLUMN_NAME), MEAN, DEVIATION, SYSDATE()
FROM BINS
WHERE NOT EXISTS (
    SELECT 1 FROM {{ identifier(database, 'OPS', 'BASELINES') }} AS K
    WHERE K.TRAINING_SET = {{ training_set|bind }} AND K.MODEL_VERSION IS NULL
)

-- name: chunks
{% import "monitoring/bins.sql" as bins with context %}
INSERT INTO {{ identifier(database, 'OPS', 'BASELINE_CHUNKS') }} (TRAINING_SET, CHUNK, COLUMN_NAME, BIN, N, TOTAL)
WITH
TRAINING_ROWS AS (
    SELECT
        FLOOR((ROW_NUMBER() OVER (ORDER BY F.SNOWLOOP_ORDER, {{ key|identifiers("F") }}) - 1) * {{ chunks }} / COUNT(*) OVER ()) AS SNOWLOOP_CHUNK,
        {{ bins.typed(features, "F") }}
    FROM {{ table }} AS F
    WHERE NOT IS_HOLDOUT
),
{{ bins.long_form("TRAINING_ROWS", features, by="SNOWLOOP_CHUNK") }},
{{ bins.counted(features, by="SNOWLOOP_CHUNK") }}
SELECT {{ training_set|bind }}, SNOWLOOP_CHUNK, COLUMN_NAME, BIN, N, TOTAL
FROM COUNTED
WHERE NOT EXISTS (
    SELECT 1 FROM {{ identifier(database, 'OPS', 'BASELINE_CHUNKS') }} AS K WHERE K.TRAINING_SET = {{ training_set|bind }}
)

-- name: scores
-- The bins of a version's scores of the held-out rows, counted where they were predicted.
INSERT INTO {{ identifier(database, 'OPS', 'BASELINES') }} (
    TRAINING_SET, MODEL_VERSION, COLUMN_NAME, KIND, BIN, POSITION, MEASURED_AS, LOWER, UPPER, N, SHARE, MEAN, DEVIATION, WRITTEN_AT
)
SELECT
    {{ training_set|bind }}, {{ version|bind }}, {{ column|bind }}, 'number', B.COLUMN1, B.COLUMN2, B.COLUMN3, B.COLUMN4, B.COLUMN5, B.COLUMN6,
    B.COLUMN6::FLOAT / SUM(B.COLUMN6) OVER (), {{ mean|bind }}::FLOAT, {{ deviation|bind }}::FLOAT, SYSDATE()
FROM VALUES
    {% for bin in rows %}
    ({{ bin.name|bind }}, {{ bin.position|bind }}::NUMBER(38,0), {{ bin.measured_as|bind }}, {{ bin.lower|bind }}::FLOAT, {{ bin.upper|bind }}::FLOAT, {{ bin.rows|bind }}::NUMBER(38,0)){{ "," if not loop.last }}
    {% endfor %}
    AS B
WHERE NOT EXISTS (
    SELECT 1 FROM {{ identifier(database, 'OPS', 'BASELINES') }} AS K
    WHERE K.TRAINING_SET = {{ training_set|bind }} AND K.MODEL_VERSION = {{ version|bind }}
)

-- name: copy_scores
-- The bins of a judged version's scores for the version that was trained on all rows.
INSERT INTO {{ identifier(database, 'OPS', 'BASELINES') }} (
    TRAINING_SET, MODEL_VERSION, COLUMN_NAME, KIND, BIN, POSITION, MEASURED_AS, LOWER, UPPER, N, SHARE, MEAN, DEVIATION, WRITTEN_AT
)
SELECT
    TRAINING_SET, {{ refitted|bind }}, COLUMN_NAME, KIND, BIN, POSITION, MEASURED_AS, LOWER, UPPER, N, SHARE, MEAN, DEVIATION, SYSDATE()
FROM {{ identifier(database, 'OPS', 'BASELINES') }}
WHERE TRAINING_SET = {{ training_set|bind }} AND MODEL_VERSION = {{ judged|bind }} AND NOT EXISTS (
    SELECT 1 FROM {{ identifier(database, 'OPS', 'BASELINES') }} AS K
    WHERE K.TRAINING_SET = {{ training_set|bind }} AND K.MODEL_VERSION = {{ refitted|bind }}
)
