{# Whether a key belongs to the challenger: by MD5, which is the same on every release and every machine; the first word
   makes it independent of the hash that holds rows out of training. A row without a key belongs to the champion. #}
COALESCE(SUBSTR(MD5('challenger'{% for column in key %} || '|' || {{ column|identifier }}::VARCHAR{% endfor %}), 1, 8) < {{ "%08x"|format((share * 4294967296)|int)|literal }}, FALSE)
