{# Macros over rows F with SNOWLOOP_SAID, what a version of several classes answered: their probabilities in order. #}
{% macro probability(place) -%}
F.SNOWLOOP_SAID:{{ ("output_feature_" ~ place)|identifier }}::FLOAT
{%- endmacro %}
{% macro probabilities(name) -%}
{% for class in classes %}
    {{ probability(loop.index0) }} AS {{ name }}_{{ loop.index0 }}{{ ",\n" if not loop.last }}
{%- endfor %}
{%- endmacro %}
{% macro highest() -%}
GREATEST({% for class in classes %}{{ probability(loop.index0) }}{{ ", " if not loop.last }}{% endfor %})
{%- endmacro %}
{% macro likeliest() -%}
CASE {{ highest() }}
        {% for class in classes %}
        WHEN {{ probability(loop.index0) }} THEN {{ class|string|literal }}
        {% endfor %}
    END
{%- endmacro %}
{% macro by_name() -%}
OBJECT_CONSTRUCT_KEEP_NULL(
        {% for class in classes %}
        {{ class|string|literal }}, {{ probability(loop.index0) }}{{ "," if not loop.last }}
        {% endfor %}
    )
{%- endmacro %}
