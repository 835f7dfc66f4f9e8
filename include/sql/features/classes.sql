{% for class in classes %}{{ class|literal }}{{ ", " if not loop.last }}{% endfor %}
