-- How many rows have a label that is not known yet, and so are kept out of the training set.
{% include "features/rows.sql" %}

SELECT COUNT_IF(NOT ({{ known }})) AS N
{% include "features/joined.sql" %}

WHERE L.{{ label_column|identifier }} IS NOT NULL
