{# How a model version is called, over feature rows F; the macros below `score` read SNOWLOOP_OUTPUT, the output for several classes. #}
{% macro output() -%}
{# An OBJECT; the version takes the features in the order in which it was trained, very many of them as one OBJECT. #}
{% set wide = features|length > most_arguments %}
MODEL({{ model }}, {{ version }})!{{ "PREDICT" if task == "regression" else "PREDICT_PROBA" }}({{ "OBJECT_CONSTRUCT_KEEP_NULL(" if wide }}
        {% for feature in features %}
        {{ feature.name|literal ~ ", " if wide }}F.{{ feature.name|identifier }}::{{ feature.type }}{{ "," if not loop.last }}
        {% endfor %}
    ){{ ")" if wide }}
{%- endmacro %}
{% macro score() -%}
{# The probability of class 1, or the value of a regression. #}
{{ output() }}:{{ ("output_feature_1" if task == "classification" else "output_feature_0")|identifier }}::FLOAT
{%- endmacro %}
{% macro probability(place) -%}
F.SNOWLOOP_OUTPUT:{{ ("output_feature_" ~ place)|identifier }}::FLOAT
{%- endmacro %}
{% macro probabilities(name) -%}
{% for class in classes %}
    {{ probability(loop.index0) }} AS {{ name }}_{{ loop.index0 }}{{ ",\n" if not loop.last }}
{%- endfor %}
{%- endmacro %}
{% macro highest_probability() -%}
GREATEST({% for class in classes %}{{ probability(loop.index0) }}{{ ", " if not loop.last }}{% endfor %})
{%- endmacro %}
{% macro predicted_class() -%}
CASE {{ highest_probability() }}
        {% for class in classes %}
        WHEN {{ probability(loop.index0) }} THEN {{ class|string|literal }}
        {% endfor %}
    END
{%- endmacro %}
{% macro probabilities_by_class() -%}
OBJECT_CONSTRUCT_KEEP_NULL(
        {% for class in classes %}
        {{ class|string|literal }}, {{ probability(loop.index0) }}{{ "," if not loop.last }}
        {% endfor %}
    )
{%- endmacro %}
