-- Runs after the root: each run that scored is summed up once, from the rows that it wrote, by version.
CREATE OR REPLACE TASK {{ task }}
    {% include "inference/task_compute.sql" %}
    COMMENT = {{ comment|literal }}
    AFTER {{ root }}
AS
{{ definition }}
