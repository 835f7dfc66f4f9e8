-- Rows of a training set by its two parts and, of a classification, by class; else what the labels are like.
SELECT
    IS_HOLDOUT,
    {{ (label|identifier ~ '::VARCHAR') if classes else 'NULL' }} AS CLASS,
    COUNT(*) AS N,
    {% if classes %}
    NULL AS MEAN, NULL AS SPREAD, NULL AS LEAST, NULL AS MOST
    {% else %}
    AVG({{ label|identifier }}) AS MEAN, STDDEV({{ label|identifier }}) AS SPREAD,
    MIN({{ label|identifier }}) AS LEAST, MAX({{ label|identifier }}) AS MOST
    {% endif %}
FROM {{ table }}
GROUP BY 1, 2
ORDER BY 1, 2
