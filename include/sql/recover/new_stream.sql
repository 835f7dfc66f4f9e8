-- A new stream holds what comes from now on; what the old one lost is found by its keys afterwards.
CREATE OR REPLACE STREAM {{ stream }} ON TABLE {{ table }}{{ " APPEND_ONLY = TRUE" if not corrections }}
    COMMENT = {{ comment|literal }}
