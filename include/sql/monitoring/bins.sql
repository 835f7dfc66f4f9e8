{# How rows are counted in the bins of a baseline: the same way for training rows and for rows that are scored. In the long form,
   one row for each column of each row, NULL is written as NaN, and a text has a sign before it, because UNPIVOT leaves NULL out. #}
{% macro typed(features, alias) -%}
{% for feature in features %}
{% set column = alias ~ "." ~ feature.name|identifier %}
{% if feature.type == "FLOAT" %}
COALESCE({{ column }}::FLOAT, 'NaN'::FLOAT)
{%- else %}
COALESCE('=' || {{ column }}::VARCHAR, '')::VARCHAR
{%- endif %} AS {{ feature.name|identifier }}{{ ",\n        " if not loop.last }}
{%- endfor %}
{%- endmacro %}

{# CTEs NUMBERS and TEXTS, as far as there are such columns, of rows that `typed` has written; by: a column to keep, or none. #}
{% macro long_form(rows, features, by="") -%}
{% set numbers = features|selectattr("type", "eq", "FLOAT")|map(attribute="name")|list %}
{% set texts = features|rejectattr("type", "eq", "FLOAT")|map(attribute="name")|list %}
{% if numbers %}
NUMBERS AS (
    SELECT {{ by ~ ", " if by }}SNOWLOOP_COLUMN, NULLIF(SNOWLOOP_VALUE, 'NaN'::FLOAT) AS SNOWLOOP_NUMBER
    FROM (SELECT {{ by ~ ", " if by }}{{ numbers|identifiers }} FROM {{ rows }}) AS N
    UNPIVOT (SNOWLOOP_VALUE FOR SNOWLOOP_COLUMN IN ({{ numbers|identifiers }}))
){{ "," if texts }}
{% endif %}
{% if texts %}
TEXTS AS (
    SELECT {{ by ~ ", " if by }}SNOWLOOP_COLUMN, SNOWLOOP_VALUE AS SNOWLOOP_TEXT
    FROM (SELECT {{ by ~ ", " if by }}{{ texts|identifiers }} FROM {{ rows }}) AS T
    UNPIVOT (SNOWLOOP_VALUE FOR SNOWLOOP_COLUMN IN ({{ texts|identifiers }}))
)
{% endif %}
{%- endmacro %}

{# The edges of a column's bins in one row, from a relation with POSITION and LOWER; a column with few bins has NULL for the rest. #}
{% macro edges() -%}
{% for place in range(2, 11) %}MAX(IFF(POSITION = {{ place }}, LOWER, NULL)) AS EDGE_{{ place }}{{ ", " if not loop.last }}{% endfor %}
{%- endmacro %}

{# The bin of a number by the edges E, the least (LOW) and the greatest number (HIGH) of the baseline. #}
{% macro bin(number) -%}
CASE
            WHEN {{ number }} IS NULL THEN 'NULL'
            WHEN {{ number }} < E.LOW THEN 'BELOW'
            WHEN {{ number }} > E.HIGH THEN 'ABOVE'
            ELSE 'B' || LPAD((1{% for place in range(2, 11) %} + IFF({{ number }} >= E.EDGE_{{ place }}, 1, 0){% endfor %})::VARCHAR, 2, '0')
        END
{%- endmacro %}

{# A number where it is finite; NULL where it is not. #}
{% macro finite(number) -%}
IFF(ABS({{ number }}) < 'inf'::FLOAT, {{ number }}, NULL)
{%- endmacro %}

{# CTEs that end in COUNTED (by, COLUMN_NAME, BIN, N, TOTAL): rows of the long form in the bins of a recorded baseline. #}
{% macro counted(features, by="", version=none) -%}
{% set numbers = features|selectattr("type", "eq", "FLOAT")|list %}
{% set texts = features|rejectattr("type", "eq", "FLOAT")|list %}
BINS AS (
    SELECT COLUMN_NAME, KIND, BIN, POSITION, LOWER, UPPER, CATEGORY
    FROM {{ identifier(database, 'OPS', 'BASELINES') }}
    WHERE TRAINING_SET = {{ training_set|bind }} AND {% if version %}(MODEL_VERSION IS NULL OR MODEL_VERSION = {{ version|bind }}){% else %}MODEL_VERSION IS NULL{% endif %}

),
{% if numbers %}
EDGES AS (
    SELECT
        COLUMN_NAME, MAX(IFF(BIN = 'BELOW', UPPER, NULL)) AS LOW, MAX(IFF(BIN = 'ABOVE', LOWER, NULL)) AS HIGH,
        {{ edges() }}
    FROM BINS
    WHERE KIND = 'number'
    GROUP BY COLUMN_NAME
),
{% endif %}
PLACED AS (
    {% if numbers %}
    SELECT
        {{ by ~ ", " if by }}SNOWLOOP_COLUMN AS COLUMN_NAME,
        {{ bin("SNOWLOOP_NUMBER") }} AS BIN,
        {{ finite("SNOWLOOP_NUMBER") }} AS SNOWLOOP_NUMBER
    FROM NUMBERS
    JOIN EDGES AS E ON E.COLUMN_NAME = SNOWLOOP_COLUMN
    {{ "UNION ALL" if texts }}
    {% endif %}
    {% if texts %}
    SELECT
        {{ "T." ~ by ~ ", " if by }}T.SNOWLOOP_COLUMN AS COLUMN_NAME,
        IFF(T.SNOWLOOP_TEXT = '', 'NULL', COALESCE(C.BIN, 'UNSEEN')) AS BIN,
        NULL::FLOAT AS SNOWLOOP_NUMBER
    FROM TEXTS AS T
    JOIN (SELECT DISTINCT COLUMN_NAME FROM BINS WHERE KIND = 'category') AS K ON K.COLUMN_NAME = T.SNOWLOOP_COLUMN
    LEFT JOIN BINS AS C ON C.COLUMN_NAME = T.SNOWLOOP_COLUMN AND '=' || C.CATEGORY = T.SNOWLOOP_TEXT
    {% endif %}
),
COUNTED AS (
    SELECT {{ by ~ ", " if by }}COLUMN_NAME, BIN, COUNT(*) AS N, SUM(SNOWLOOP_NUMBER) AS TOTAL
    FROM PLACED
    GROUP BY {{ by ~ ", " if by }}COLUMN_NAME, BIN
)
{%- endmacro %}
