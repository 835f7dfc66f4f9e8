-- Scores that were served, with the labels that are known by now, by window of event time and by version.

-- name: served_rows
{% import "features/macros.sql" as macros %}
{#
    Of each key and version the newest score of the loop itself; a row without an event time is of the time of its score. Rows of
    the version's training set are out, and so are versions whose training set is not known. A label that is not known yet is NULL.
    Windows from `since` on, which is the begin of one: a score that replaces one of theirs is not older, so older ones are not read.
#}
WITH LABEL_ROWS AS (
{{ label_rows }}
),
{% if raw_columns %}
SOURCE_ROWS AS (
    SELECT {{ key|identifiers("R") }}{% for column in raw_columns %}, R.{{ column|identifier }} AS {{ ("SNOWLOOP_RAW_" ~ column)|identifier }}{% endfor %}

    FROM {{ table }} AS R
    QUALIFY ROW_NUMBER() OVER (PARTITION BY {{ key|identifiers("R") }} ORDER BY {{ raw_columns|identifiers("R") }}) = 1
),
{% endif %}
SERVED AS (
    {% for version in versions %}
    SELECT {{ key|identifiers("S") }}, S.MODEL_VERSION, S.SCORE, {{ "S.PROBABILITIES, " if classes }}S.FEATURES, S.EVENT_TIME, COALESCE(S.EVENT_TIME, S.SCORED_AT) AS SNOWLOOP_MOMENT
    FROM {{ identifier(database, 'SERVING', 'SCORED') }} AS S
    LEFT JOIN {{ version.table }} AS T ON {{ macros.same_key(key, "T", "S") }}
    WHERE S.MODEL_VERSION = {{ version.name|literal }} AND S.SCORE IS NOT NULL AND T.{{ key[0]|identifier }} IS NULL
        AND (S.SCORED_AT >= {{ since|literal }}::TIMESTAMP_NTZ OR S.EVENT_TIME >= {{ since|literal }}::TIMESTAMP_NTZ)
        AND S.RUN_ID NOT IN (SELECT RUN_ID FROM {{ identifier(database, 'OPS', 'RUNS') }} WHERE KIND = 'backfill')
    QUALIFY ROW_NUMBER() OVER (PARTITION BY {{ key|identifiers("S") }} ORDER BY S.SCORED_AT DESC, S.RUN_ID DESC) = 1
    {{ "UNION ALL" if not loop.last }}
    {% endfor %}
),
JOINED AS (
    SELECT
        S.*,
        -- windows begin on Mondays, or divide the days from one on
        DATEADD('second', FLOOR(DATEDIFF('second', '1970-01-05'::TIMESTAMP_NTZ, S.SNOWLOOP_MOMENT) / {{ seconds }}) * {{ seconds }}, '1970-01-05'::TIMESTAMP_NTZ) AS SNOWLOOP_WINDOW,
        CASE WHEN {{ known }} THEN L.{{ label|identifier }} END AS SNOWLOOP_LABEL
    FROM SERVED AS S
    LEFT JOIN LABEL_ROWS AS L ON {{ macros.same_key(key, "L", "S") }}
    WHERE S.SNOWLOOP_MOMENT >= {{ since|literal }}::TIMESTAMP_NTZ
)

-- name: windows
-- What there is in each window; CONTENT changes with each label that is added or changed.
{% include "monitoring/performance.sql#served_rows" %}

SELECT
    SNOWLOOP_WINDOW AS WINDOW_START, MODEL_VERSION, COUNT(*) AS SCORED, COUNT(SNOWLOOP_LABEL) AS LABELLED,
    SUM(CASE WHEN SNOWLOOP_LABEL IS NOT NULL THEN MD5_NUMBER_LOWER64({% for column in key %}{{ column|identifier }}::VARCHAR || '|' || {% endfor %}SNOWLOOP_LABEL::VARCHAR || '|' || SCORE::VARCHAR) END)::VARCHAR AS CONTENT
FROM JOINED
GROUP BY SNOWLOOP_WINDOW, MODEL_VERSION
ORDER BY SNOWLOOP_WINDOW, MODEL_VERSION

-- name: labelled_rows
-- The labelled rows of some windows, with scores and the columns by which they are sliced.
{% import "features/macros.sql" as macros %}
{% include "monitoring/performance.sql#served_rows" %}

SELECT
    TO_VARCHAR(J.SNOWLOOP_WINDOW, 'YYYY-MM-DD HH24:MI:SS') AS WINDOW_START, J.MODEL_VERSION, J.SNOWLOOP_LABEL AS LABEL,
    {% for class in classes %}
    J.PROBABILITIES:{{ class|string|identifier }}::FLOAT AS SCORE_{{ loop.index0 }},
    {% endfor %}
    {% for slice in slices %}
    {% if slice.raw %}
    R.{{ ("SNOWLOOP_RAW_" ~ slice.column)|identifier }} AS SLICE_{{ loop.index0 }},
    {% else %}
    J.FEATURES:{{ slice.column|identifier }}::{{ "FLOAT" if slice.edges else "VARCHAR" }} AS SLICE_{{ loop.index0 }},
    {% endif %}
    {% endfor %}
    {% if group %}
    R.{{ ("SNOWLOOP_RAW_" ~ group)|identifier }}::VARCHAR AS SNOWLOOP_GROUP,
    {% elif in_time %}
    DATEDIFF('second', '1970-01-01'::TIMESTAMP_NTZ, J.SNOWLOOP_MOMENT) AS SNOWLOOP_ORDER,
    {% endif %}
    J.SCORE
FROM JOINED AS J
{% if raw_columns %}
LEFT JOIN SOURCE_ROWS AS R ON {{ macros.same_key(key, "R", "J") }}
{% endif %}
WHERE J.SNOWLOOP_LABEL IS NOT NULL AND {% include "monitoring/performance.sql#of_windows" %}

ORDER BY J.SNOWLOOP_WINDOW, J.MODEL_VERSION, {{ key|identifiers("J") }}

-- name: scored_rows
-- All rows of some windows, labelled or not, with their scores.
{% import "features/macros.sql" as macros %}
{% include "monitoring/performance.sql#served_rows" %}

SELECT
    TO_VARCHAR(J.SNOWLOOP_WINDOW, 'YYYY-MM-DD HH24:MI:SS') AS WINDOW_START, J.MODEL_VERSION,
    {% for class in classes %}
    J.PROBABILITIES:{{ class|string|identifier }}::FLOAT AS SCORE_{{ loop.index0 }},
    {% endfor %}
    J.SCORE
FROM JOINED AS J
WHERE {% include "monitoring/performance.sql#of_windows" %}

ORDER BY J.SNOWLOOP_WINDOW, J.MODEL_VERSION, {{ key|identifiers("J") }}

-- name: of_windows
(
    {% for window in windows %}
    (J.SNOWLOOP_WINDOW = {{ window.start|literal }}::TIMESTAMP_NTZ AND J.MODEL_VERSION = {{ window.version|literal }}){{ " OR" if not loop.last }}
    {% endfor %}
)

-- name: measured
SELECT WINDOW_START, WINDOW_END, MODEL_VERSION, CONTENT, MATURE, MEASURED_AT
FROM {{ identifier(database, 'OPS', 'PERFORMANCE') }}
WHERE SLICE IS NULL AND WINDOW_START >= {{ since|bind }}::TIMESTAMP_NTZ
ORDER BY WINDOW_START, MODEL_VERSION

-- name: last_whole_look
SELECT WHOLE_AT
FROM {{ identifier(database, 'OPS', 'PERFORMANCE_LOOKS') }}
WHERE RULES = {{ rules|bind }}

-- name: forget_looks
DELETE FROM {{ identifier(database, 'OPS', 'PERFORMANCE_LOOKS') }}

-- name: record_look
INSERT INTO {{ identifier(database, 'OPS', 'PERFORMANCE_LOOKS') }} (RULES, WHOLE_AT)
SELECT {{ rules|bind }}, {{ at|bind }}::TIMESTAMP_NTZ

-- name: forget
DELETE FROM {{ identifier(database, 'OPS', 'PERFORMANCE') }}
WHERE {% for window in windows %}(WINDOW_START = {{ window.start|bind }}::TIMESTAMP_NTZ AND MODEL_VERSION = {{ window.version|bind }}){{ " OR " if not loop.last }}{% endfor %}

-- name: record
INSERT INTO {{ identifier(database, 'OPS', 'PERFORMANCE') }} (
    WINDOW_START, WINDOW_END, MODEL_VERSION, SLICE, PART, METRIC, VALUE, LOW, HIGH, SCORED, LABELLED, SUPPORT, MATURE,
    CALIBRATION_ERROR, CALIBRATION_BY_CHANCE, CONTENT, ESTIMATE, MEASURED_AT
)
SELECT
    COLUMN1, DATEADD('second', {{ seconds }}, COLUMN1), COLUMN2, COLUMN3, COLUMN4, {{ metric|bind }}, COLUMN5, COLUMN6, COLUMN7,
    COLUMN8, COLUMN9, COLUMN10, COLUMN11, COLUMN12, COLUMN13, COLUMN14, COLUMN15, SYSDATE()
FROM VALUES
    {% for row in rows %}
    ({{ row.start|bind }}::TIMESTAMP_NTZ, {{ row.version|bind }}, {{ row.slice|bind }}::VARCHAR, {{ row.part|bind }}::VARCHAR,
     {{ row.value|bind }}::FLOAT, {{ row.low|bind }}::FLOAT, {{ row.high|bind }}::FLOAT, {{ row.scored|bind }}::NUMBER(38,0),
     {{ row.labelled|bind }}::NUMBER(38,0), {{ row.support|bind }}::NUMBER(38,0), {{ row.mature|bind }}::BOOLEAN,
     {{ row.calibration_error|bind }}::FLOAT, {{ row.calibration_by_chance|bind }}::FLOAT, {{ row.content|bind }}::VARCHAR, {{ row.estimate|bind }}::FLOAT){{ "," if not loop.last }}
    {% endfor %}

-- name: of_version
SELECT
    WINDOW_START, WINDOW_END, SLICE, PART, METRIC, VALUE, LOW, HIGH, SCORED, LABELLED, SUPPORT, MATURE, CALIBRATION_ERROR,
    CALIBRATION_BY_CHANCE, ESTIMATE
FROM {{ identifier(database, 'OPS', 'PERFORMANCE') }}
WHERE MODEL_VERSION = {{ version|bind }} AND WINDOW_END >= DATEADD('second', -{{ history }}, SYSDATE())
ORDER BY WINDOW_START, SLICE, PART
