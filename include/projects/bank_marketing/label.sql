-- Calls whose answer is known.
SELECT
    ROW_ID,
    CASE WHEN Y = 'yes' THEN 1 ELSE 0 END AS SUBSCRIBED
FROM {{ raw }}.BANK
WHERE Y IS NOT NULL
