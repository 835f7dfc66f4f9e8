{# The call of a version with the features in the order in which it takes them; it answers an OBJECT. #}
MODEL({{ model }}, {{ version }})!{{ "PREDICT" if task == "regression" else "PREDICT_PROBA" }}(
        {% for feature in features %}
        F.{{ feature.name|identifier }}::{{ feature.type }}{{ "," if not loop.last }}
        {% endfor %}
    )
