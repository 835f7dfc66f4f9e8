{# Rows that keep the contract, their features and labels; C, F and L of the statements that include it. #}
WITH CHECKED AS (
{{ checked }}
),
CLEAN AS (
    SELECT {{ columns|identifiers }} FROM CHECKED WHERE SNOWLOOP_REASON IS NULL
),
FEATURE_ROWS AS (
{{ features }}
),
LABEL_ROWS AS (
{{ label }}
)
