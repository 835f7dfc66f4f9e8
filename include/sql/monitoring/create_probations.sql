-- Probations: a row a promotion after which the former champion scored along with the new one. ENTRY is that of the promotion in
-- the ledger; STATE is running, passed, unproven, worse, rolling_back, rolled_back, stopped or impossible; LOOKS is how often
-- labels were looked at.
CREATE TABLE IF NOT EXISTS {{ identifier(database, 'OPS', 'PROBATIONS') }} (
    ENTRY NUMBER(38,0), MODEL_VERSION VARCHAR, FORMER VARCHAR, STATE VARCHAR, LOOKS NUMBER(38,0), REASON VARCHAR,
    BEGAN_AT TIMESTAMP_NTZ, DECIDED_AT TIMESTAMP_NTZ
);
