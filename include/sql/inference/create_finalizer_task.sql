-- Runs after each run of the graph, failed or not, and logs the runs of its tasks that are not logged yet.
CREATE OR REPLACE TASK {{ task }}
    {% include "inference/task_compute.sql" %}
    COMMENT = {{ comment|literal }}
    FINALIZE = {{ root }}
AS
{{ definition }}
