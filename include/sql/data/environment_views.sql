-- Views hold no data: each is replaced, so that an environment of an earlier version gets the current text.
{% import "champion/latest_scores.sql" as scores with context %}
-- SERVING.SCORED is a history; of each key the newest score counts, unless the row that it is of is gone.
CREATE OR REPLACE VIEW {{ identifier(database, 'SERVING', 'LATEST_SCORES') }} COPY GRANTS AS
SELECT {{ key|identifiers("S") }}, {{ "S.PREDICTION, S.PROBABILITIES, " if classes }}S.SCORE, S.MODEL_VERSION, S.RUN_ID, S.SCORED_AT, S.EVENT_TIME, S.FEATURES
FROM {{ identifier(database, 'SERVING', 'SCORED') }} AS S
{{ scores.gone() }}
WHERE TRUE
{{ scores.newest() }};

GRANT SELECT ON VIEW {{ identifier(database, 'SERVING', 'LATEST_SCORES') }} TO ROLE {{ reader|identifier }};
