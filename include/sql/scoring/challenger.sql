-- A declared challenger: its tables, its share of the keys, and what is recorded of it in each run.

-- name: create_shadow
-- Rows as in SERVING.SCORED, scored by the challenger and served to nobody.
CREATE TABLE IF NOT EXISTS {{ identifier(database, 'SERVING', 'SHADOW') }} AS
SELECT * FROM {{ identifier(database, 'SERVING', 'SCORED') }} WHERE FALSE

-- name: create_challenges
-- What the challenger did in each run of the loop; with an ERROR only the champion scored. ROWS_SCORED is NULL while the run is
-- under way, and stays so if it is killed or times out.
CREATE TABLE IF NOT EXISTS {{ identifier(database, 'OPS', 'CHALLENGES') }} (
    RUN_ID VARCHAR, MODEL_NAME VARCHAR, MODE VARCHAR, CHAMPION VARCHAR, CHALLENGER VARCHAR, ROWS_SCORED NUMBER(38,0),
    ERROR VARCHAR, NOTED_AT TIMESTAMP_NTZ
)

-- name: belongs_to_challenger
{# Whether the challenger scores a key: by MD5, which does not depend on release or machine; the prefix makes it independent
   of the hash that selects the holdout. A row without a key belongs to the champion. #}
COALESCE(SUBSTR(MD5('challenger'{% for column in entity %} || '|' || {{ column|identifier }}::VARCHAR{% endfor %}), 1, 8) < {{ "%08x"|format((share * 4294967296)|int)|literal }}, FALSE)

-- name: begin
-- Committed before the run's transaction: it remains if the run is killed or times out.
INSERT INTO {{ identifier(database, 'OPS', 'CHALLENGES') }} (RUN_ID, MODEL_NAME, MODE, CHAMPION, CHALLENGER, NOTED_AT)
SELECT {{ run_id|bind }}, {{ model_name|literal }}, {{ mode|literal }}, {{ model_version|bind }}, {{ challenger|bind }}, SYSDATE()

-- name: unfinished
-- The last run that began with this challenger, since it was named, and never finished.
SELECT RUN_ID
FROM {{ identifier(database, 'OPS', 'CHALLENGES') }}
WHERE CHALLENGER = {{ challenger|bind }} AND ROWS_SCORED IS NULL AND RUN_ID <> {{ run_id|bind }} AND NOTED_AT > (
    SELECT COALESCE(MAX(DONE_AT), '1970-01-01'::TIMESTAMP_NTZ)
    FROM {{ identifier(database, 'OPS', 'LEDGER') }}
    WHERE ACTION = 'challenge' AND TO_VERSION = {{ challenger|bind }}
)
ORDER BY NOTED_AT DESC
LIMIT 1

-- name: record
UPDATE {{ identifier(database, 'OPS', 'CHALLENGES') }}
SET ROWS_SCORED = {{ rows_scored|bind }}, ERROR = {{ error|bind }}, NOTED_AT = SYSDATE()
WHERE RUN_ID = {{ run_id|bind }}

-- name: forget
-- A run that could record its own failure was not held up by its challenger.
DELETE FROM {{ identifier(database, 'OPS', 'CHALLENGES') }} WHERE RUN_ID = {{ run_id|bind }} AND ROWS_SCORED IS NULL

-- name: unapproved
-- Why no approval lets a canary serve its share, or NULL: the ledger's last entry on the challenger must name this version, who
-- approved it, and at least this share.
SELECT CASE WHEN COUNT(*) = 0 THEN {{ ("nobody has approved that it serves %.4g%% of the keys" % (share * 100))|literal }} END AS REASON
FROM (
    SELECT TO_VERSION, APPROVED_BY, CANARY_SHARE
    FROM {{ identifier(database, 'OPS', 'LEDGER') }}
    WHERE ACTION IN ('challenge', 'withdraw')
    ORDER BY ENTRY DESC
    LIMIT 1
)
WHERE TO_VERSION = {{ version|bind }} AND APPROVED_BY IS NOT NULL AND CANARY_SHARE >= {{ share|literal }}
