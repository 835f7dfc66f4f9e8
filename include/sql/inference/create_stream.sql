{% if corrections %}
-- Standard: a corrected row is scored again. IF NOT EXISTS: replacing a stream would lose the rows that it still holds.
{% else %}
-- Append-only: inserts alone are scored. IF NOT EXISTS: replacing a stream would lose the rows that it still holds.
{% endif %}
CREATE STREAM IF NOT EXISTS {{ stream }} ON TABLE {{ table }}{{ " APPEND_ONLY = TRUE" if not corrections }}
    COMMENT = {{ comment|literal }}
