WITH
{% include "inference/checked_arrivals.sql" %}
SELECT COUNT(*) AS N FROM CHECKED WHERE SNOWLOOP_REASON IS NULL
