-- Rows as in SERVING.SCORED, but by the challenger, and nobody is served by them.
CREATE TABLE IF NOT EXISTS {{ identifier(database, 'SERVING', 'SHADOW') }} AS
SELECT * FROM {{ identifier(database, 'SERVING', 'SCORED') }} WHERE FALSE
