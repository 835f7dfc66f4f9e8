{# Where a task runs: on a warehouse, or serverless. #}
{% if serving.serverless %}
    USER_TASK_MANAGED_INITIAL_WAREHOUSE_SIZE = {{ serving.initial_size|literal }}
    {% else %}
    WAREHOUSE = {{ warehouse|identifier }}
    {% endif %}
