-- Labels that are none of the classes, the most frequent first.
SELECT {{ label_column|identifier }}::VARCHAR AS CLASS, COUNT(*) AS N
FROM {{ table }}
WHERE {{ label_column|identifier }} NOT IN ({% include "features/classes.sql" %})
GROUP BY {{ label_column|identifier }}
ORDER BY N DESC, CLASS
LIMIT 10
