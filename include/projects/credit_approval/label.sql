-- Bad: ever 60 days or more behind (STATUS 2 to 5). Applicants without a credit record have no label yet.
SELECT
    ID,
    MAX(CASE WHEN STATUS IN ('2', '3', '4', '5') THEN 1 ELSE 0 END) AS BAD
FROM {{ raw }}.CREDIT_RECORD
GROUP BY ID
