-- The stream on the source, and the keys from before it.

-- name: create
{% if corrections %}
-- A standard stream: corrected rows are scored again. IF NOT EXISTS: replacing a stream would lose the rows that it still holds.
{% else %}
-- An append-only stream: only inserts are scored. IF NOT EXISTS: replacing a stream would lose the rows that it still holds.
{% endif %}
CREATE STREAM IF NOT EXISTS {{ stream }} ON {{ kind }} {{ source }}{{ " APPEND_ONLY = TRUE" if not corrections }}
    COMMENT = {{ comment|literal }}

-- name: change_mode
-- Changes the mode at the present offset: changes that were not scored yet are kept.
CREATE OR REPLACE STREAM {{ stream }} COPY GRANTS ON {{ kind }} {{ source }}
    AT(STREAM => {{ stream|literal }}){{ " APPEND_ONLY = TRUE" if not corrections }}
    COMMENT = {{ comment|literal }}

-- name: replace
-- The new stream holds what arrives from now on; rows that the old one lost are found by their keys afterwards.
CREATE OR REPLACE STREAM {{ stream }} ON {{ kind }} {{ source }}{{ " APPEND_ONLY = TRUE" if not corrections }}
    COMMENT = {{ comment|literal }}

-- name: create_baseline
-- Keys of the source at the offset at which the stream starts: rows that are not scored.
CREATE TABLE IF NOT EXISTS {{ identifier(database, 'SERVING', 'BASELINE') }} AS
SELECT {{ key|identifiers }} FROM {{ at_offset }}

-- name: declared_columns
{# Rows of a table that others fill, or of the stream on it, under the declared names of its columns. #}
(
    SELECT
        {% for column, spelled in columns.items() %}
        {{ spelled|identifier }} AS {{ column|identifier }}{{ "," if changes or not loop.last }}
        {% endfor %}
        {% if changes %}
        METADATA$ACTION, METADATA$ISUPDATE, METADATA$ROW_ID
        {% endif %}
    FROM {{ relation }}
)
