{# Rows of a training set with a cell that nearly equal rows share: numbers are rounded to half a standard deviation, texts
   are as they are. Of a chosen cell all rows are there, up to a bound that only categories reach. #}
SELECT
    {% for feature in features %}
    {{ feature.name|identifier }},
    {% endfor %}
    {{ label|identifier }},
    IS_HOLDOUT,
    SNOWLOOP_CELL
FROM (
    SELECT
        T.*,
        MD5(
            {% for feature in features %}
            {% set column = "T." ~ feature.name|identifier %}
            COALESCE(
                {{- "(ROUND(2 * " ~ column ~ "::FLOAT / NULLIF(S.D_" ~ loop.index ~ ", 0)) + 0)::VARCHAR" if feature.type == "FLOAT" else column -}}
            , '') || '|'{{ " ||" if not loop.last }}
            {% endfor %}
        ) AS SNOWLOOP_CELL
    FROM {{ table }} AS T
    CROSS JOIN (
        SELECT
            {% for feature in features if feature.type == "FLOAT" %}
            STDDEV({{ feature.name|identifier }}::FLOAT) AS D_{{ features.index(feature) + 1 }},
            {% endfor %}
            COUNT(*) AS N
        FROM {{ table }}
    ) AS S
)
QUALIFY RANK() OVER (ORDER BY SNOWLOOP_CELL) <= {{ most }}
    AND ROW_NUMBER() OVER (PARTITION BY SNOWLOOP_CELL ORDER BY {% include "evaluation/queries.sql#key_hash" %}, {{ key|identifiers }}) <= {{ most_of_a_cell }}
ORDER BY {{ key|identifiers }}
