-- Another kind of stream at the offset of the one that is there: what it holds and was not scored yet is kept.
CREATE OR REPLACE STREAM {{ stream }} COPY GRANTS ON TABLE {{ table }}
    AT(STREAM => {{ stream|literal }}){{ " APPEND_ONLY = TRUE" if not corrections }}
    COMMENT = {{ comment|literal }}
