-- The features are computed by the very features.sql that the training set was built with.
{% import "inference/classes.sql" as told with context %}
INSERT INTO {{ identifier(database, 'SERVING', scores|default('SCORED')) }}
    ({{ key|identifiers }}, {{ "PREDICTION, PROBABILITIES, " if classes }}SCORE, MODEL_VERSION, RUN_ID, SCORED_AT{{ ", EVENT_TIME" if event_time }}{{ ", FEATURES" if keep_features }})
WITH
{% include arrivals|default("inference/checked_arrivals.sql") %}
,
CLEAN AS (
    SELECT {{ columns|identifiers }} FROM CHECKED WHERE SNOWLOOP_REASON IS NULL
    {% if side %}
        AND {{ "NOT " if side == "champion" }}{% include "inference/challenged.sql" %}

    {% endif %}
),
FEATURE_ROWS AS (
{{ features_sql }}
)
{% if classes %}
,
-- The version is asked once for a row, and answers the probabilities of all classes.
ANSWERED AS (
    SELECT
        {{ key|identifiers("F") }},
        {{ "OBJECT_CONSTRUCT_KEEP_NULL(F.*) AS SNOWLOOP_FEATURES," if keep_features }}
        {% include "inference/call.sql" %} AS SNOWLOOP_SAID
    FROM FEATURE_ROWS AS F
)
{% endif %}
SELECT
    {{ key|identifiers("F") }},
    {% if classes %}
    {{ told.likeliest() }},
    {{ told.by_name() }},
    {{ told.highest() }},
    {% else %}
    {% include "inference/score.sql" %},
    {% endif %}
    '<<version>>',
    '<<run_id>>',
    {{ scored_at|default("SYSDATE()") }}{{ "," if event_time or keep_features }}
    {% if event_time %}
    C.{{ event_time|identifier }}::TIMESTAMP_NTZ{{ "," if keep_features }}
    {% endif %}
    {% if keep_features %}
    {{ "F.SNOWLOOP_FEATURES" if classes else "OBJECT_CONSTRUCT_KEEP_NULL(F.*)" }}
    {% endif %}
FROM {{ "ANSWERED" if classes else "FEATURE_ROWS" }} AS F
{% if event_time %}
JOIN CLEAN AS C ON {% for column in key %}C.{{ column|identifier }} = F.{{ column|identifier }}{{ " AND " if not loop.last }}{% endfor %}

{% endif %}
