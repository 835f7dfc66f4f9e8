{# Salted: the split hashes the key as it is, and of rows in that order the first are all held out. #}
MD5('sample|' || {% for column in key %}{{ column|identifier }}::VARCHAR{{ " || '|' || " if not loop.last }}{% endfor %})
