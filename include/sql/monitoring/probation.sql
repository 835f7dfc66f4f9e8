-- Probations in OPS.PROBATIONS, and what they are judged by.

-- name: probations
SELECT ENTRY, MODEL_VERSION, FORMER, STATE, LOOKS, REASON, BEGAN_AT, DECIDED_AT
FROM {{ identifier(database, 'OPS', 'PROBATIONS') }}
ORDER BY ENTRY

-- name: begin
MERGE INTO {{ identifier(database, 'OPS', 'PROBATIONS') }} AS T
USING (SELECT {{ entry|bind }}::NUMBER(38,0) AS ENTRY) AS S ON T.ENTRY = S.ENTRY
WHEN NOT MATCHED THEN INSERT (ENTRY, MODEL_VERSION, FORMER, STATE, LOOKS, REASON, BEGAN_AT)
VALUES (S.ENTRY, {{ version|bind }}, {{ former|bind }}, {{ state|bind }}, 0, {{ reason|bind }}, SYSDATE())

-- name: look
UPDATE {{ identifier(database, 'OPS', 'PROBATIONS') }}
SET LOOKS = {{ looks|bind }}, REASON = {{ reason|bind }}
WHERE ENTRY = {{ entry|bind }}

-- name: decide
-- The time of the decision stays that of the first one: a rollback that was interrupted goes on.
UPDATE {{ identifier(database, 'OPS', 'PROBATIONS') }}
SET STATE = {{ state|bind }}, REASON = {{ reason|bind }}, DECIDED_AT = COALESCE(DECIDED_AT, SYSDATE())
WHERE ENTRY = {{ entry|bind }}

-- name: labelled
-- How many rows both versions have scored whose label is known.
SELECT COUNT(LABEL) AS LABELLED
FROM (
{% include "champion/shadow.sql" %}

)

-- name: lost_scores
-- Rows to which the former champion gave a finite score since the promotion, and those of them that got none from the new one.
{% set finite = "SCORE IS NOT NULL AND NOT %s.SCORE IN ('NaN'::FLOAT, 'inf'::FLOAT, '-inf'::FLOAT)" %}
SELECT COUNT(*) AS N, COUNT(*) - COUNT(CASE WHEN S.{{ finite % "S" }} THEN 1 END) AS LOST
FROM {{ identifier(database, 'SERVING', 'SHADOW') }} AS H
JOIN {{ identifier(database, 'OPS', 'CHALLENGES') }} AS C ON C.RUN_ID = H.RUN_ID
LEFT JOIN {{ identifier(database, 'SERVING', 'SCORED') }} AS S
    ON S.RUN_ID = H.RUN_ID AND S.MODEL_VERSION = {{ version|bind }}
    {% for column in key %}
    AND S.{{ column|identifier }} = H.{{ column|identifier }}
    {% endfor %}
WHERE H.MODEL_VERSION = {{ former|bind }} AND H.{{ finite % "H" }}
    AND C.CHAMPION = {{ version|bind }} AND C.CHALLENGER = {{ former|bind }} AND C.ERROR IS NULL
    AND H.SCORED_AT >= {{ since|bind }}::TIMESTAMP_NTZ
