-- Keys that the source had when the stream began, at its very offset: what scoring must leave alone.
CREATE TABLE IF NOT EXISTS {{ identifier(database, 'SERVING', 'BASELINE') }} AS
SELECT {{ key|identifiers }} FROM {{ table }} AT(STREAM => {{ stream|literal }})
