{# Each row once: the contract's columns as C, the features as F, the label as L. #}
FROM FEATURE_ROWS AS F
JOIN LABEL_ROWS AS L ON {% for column in key %}L.{{ column|identifier }} = F.{{ column|identifier }}{{ " AND " if not loop.last }}{% endfor %}

{% if split.by != "hash" or known != "TRUE" %}
JOIN CLEAN AS C ON {% for column in key %}C.{{ column|identifier }} = F.{{ column|identifier }}{{ " AND " if not loop.last }}{% endfor %}
{% endif %}
