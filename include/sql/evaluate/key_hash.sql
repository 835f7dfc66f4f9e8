MD5({% for column in key %}{{ column|identifier }}::VARCHAR{{ " || '|' || " if not loop.last }}{% endfor %})
