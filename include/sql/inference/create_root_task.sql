CREATE OR REPLACE TASK {{ task }}
    {% include "inference/task_compute.sql" %}
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
