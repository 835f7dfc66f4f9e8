-- The three tasks of the graph.

-- name: root
CREATE OR REPLACE TASK {{ task }}
    {% include "scoring/create_tasks.sql#compute" %}
    {% if serving.schedule %}
    SCHEDULE = {{ serving.schedule|literal }}
    {% else %}
    USER_TASK_MINIMUM_TRIGGER_INTERVAL_IN_SECONDS = {{ serving.minimum_interval_seconds }}
    {% if serving.serverless %}
    TARGET_COMPLETION_INTERVAL = {{ serving.target_completion|literal }}
    {% endif %}
    {% endif %}
    {% if serving.overlap %}
    ALLOW_OVERLAPPING_EXECUTION = TRUE
    {% endif %}
    USER_TASK_TIMEOUT_MS = {{ serving.timeout_seconds * 1000 }}
    SUSPEND_TASK_AFTER_NUM_FAILURES = {{ serving.suspend_after_failures }}
    TASK_AUTO_RETRY_ATTEMPTS = {{ serving.retry_attempts }}
    COMMENT = {{ comment|literal }}
    WHEN {{ condition }}
AS {{ definition }}

-- name: monitoring
-- Runs after the root: sums up each run once, by version, from the rows that it scored.
CREATE OR REPLACE TASK {{ task }}
    {% include "scoring/create_tasks.sql#compute" %}
    COMMENT = {{ comment|literal }}
    AFTER {{ root }}
AS
{{ definition }}

-- name: finalizer
-- Runs after each run of the graph, failed or not, and logs the runs of its tasks that are not logged yet.
CREATE OR REPLACE TASK {{ task }}
    {% include "scoring/create_tasks.sql#compute" %}
    COMMENT = {{ comment|literal }}
    FINALIZE = {{ root }}
AS
{{ definition }}

-- name: compute
{# Where a task runs: on a warehouse, or serverless. #}
{% if serving.serverless %}
    USER_TASK_MANAGED_INITIAL_WAREHOUSE_SIZE = {{ serving.initial_size|literal }}
    {% else %}
    WAREHOUSE = {{ warehouse|identifier }}
    {% endif %}
