{# What a version told of a row of SERVING.SCORED or SERVING.SHADOW: its score, or the probability of each class. #}
{% macro told(row, side, version) -%}
{% for class in classes %}
    CASE WHEN {{ row }}.MODEL_VERSION = {{ version|literal }} THEN {{ row }}.PROBABILITIES:{{ class|string|identifier }}::FLOAT END AS {{ side }}_{{ loop.index0 }},
{% else %}
    CASE WHEN {{ row }}.MODEL_VERSION = {{ version|literal }} THEN {{ row }}.SCORE END AS {{ side }},
{% endfor %}
{%- endmacro %}
