{# Whether a feature differs between two runs: sums of floats may be added in another order, so that a difference in the
   last digits is none. #}
{% macro differs(feature, now, before) -%}
{{ now }}.{{ feature.name|identifier }}::{{ feature.type }} IS DISTINCT FROM {{ before }}.{{ feature.name|identifier }}
        {%- if feature.type == "FLOAT" %} AND COALESCE(
            ABS({{ now }}.{{ feature.name|identifier }}::FLOAT - {{ before }}.{{ feature.name|identifier }}::FLOAT)
                > 1e-9 * GREATEST(1, ABS({{ before }}.{{ feature.name|identifier }}::FLOAT)), TRUE
        ){% endif %}
{%- endmacro %}

{# Whether two rows have the same key. #}
{% macro same_key(key, left, right) -%}
{% for column in key %}{{ left }}.{{ column|identifier }} = {{ right }}.{{ column|identifier }}{{ " AND " if not loop.last }}{% endfor %}
{%- endmacro %}
