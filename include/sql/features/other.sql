{# Whether a feature is another one than it was: sums of floats may be added in another order, so that a difference in
   the last digits is none. #}
{% macro other(feature, now, before) -%}
{{ now }}.{{ feature.name|identifier }}::{{ feature.type }} IS DISTINCT FROM {{ before }}.{{ feature.name|identifier }}
        {%- if feature.type == "FLOAT" %} AND COALESCE(
            ABS({{ now }}.{{ feature.name|identifier }}::FLOAT - {{ before }}.{{ feature.name|identifier }}::FLOAT)
                > 1e-9 * GREATEST(1, ABS({{ before }}.{{ feature.name|identifier }}::FLOAT)), TRUE
        ){% endif %}
{%- endmacro %}
