{# The rows of a training set but for those that a version was fitted on when it was trained on another one. #}
(
    SELECT A.*
    FROM {{ table }} AS A
    LEFT JOIN {{ learnt }} AS K ON NOT K.IS_HOLDOUT
    {% for column in key %}
        AND K.{{ column|identifier }} = A.{{ column|identifier }}
    {% endfor %}
    WHERE K.IS_HOLDOUT IS NULL
)
