{# One feature of every row of the source, and nothing else that features.sql gives. #}
SELECT COUNT(F.{{ feature|identifier }}) AS N
FROM (
{{ feature_rows }}
) AS F
