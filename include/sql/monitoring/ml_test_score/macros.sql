{# The beginning of the declared window: what is older is no evidence any more. #}
{% macro since() -%}
DATEADD('second', -{{ window|bind }}, SYSDATE())
{%- endmacro %}

{# The check of a name in the newest verdict on the champion in the window; not asked if its PASSED is NULL. #}
{% macro of_verdict(check) -%}
SELECT COUNT_IF(PASSED IS NOT NULL) AS ASKED, COUNT_IF(NOT PASSED) AS FAILED, MAX(REASON) AS EVIDENCE
FROM {{ identifier(database, 'OPS', 'VERDICTS') }}
WHERE CHECK_NAME = {{ check|literal }} AND VERDICT_ID = (
    SELECT VERDICT_ID FROM {{ identifier(database, 'OPS', 'VERDICTS') }}
    WHERE MODEL_VERSION = {{ champion|bind }} AND DECIDED_AT >= {{ since() }}
    ORDER BY DECIDED_AT DESC, VERDICT_ID
    LIMIT 1
)
{%- endmacro %}

{# The newest check of a name in OPS.MONITORING_CHECKS of the champion that was asked in the window. #}
{% macro newest_monitoring(check) -%}
SELECT PASSED, REASON
FROM {{ identifier(database, 'OPS', 'MONITORING_CHECKS') }}
WHERE NAME = {{ check|literal }} AND PASSED IS NOT NULL AND MODEL_VERSION = {{ champion|bind }} AND CHECKED_AT >= {{ since() }}
QUALIFY ROW_NUMBER() OVER (ORDER BY COALESCE(WINDOW_END, CHECKED_AT) DESC, CHECKED_AT DESC) = 1
{%- endmacro %}

{# The newest rehearsal of a name of the champion that was asked in the window. #}
{% macro newest_rehearsal(check) -%}
SELECT PASSED, REASON
FROM {{ identifier(database, 'OPS', 'REHEARSALS') }}
WHERE NAME = {{ check|literal }} AND PASSED IS NOT NULL AND MODEL_VERSION = {{ champion|bind }} AND DONE_AT >= {{ since() }}
QUALIFY ROW_NUMBER() OVER (ORDER BY DONE_AT DESC, REASON) = 1
{%- endmacro %}

{# Whether the check of such a row passed. #}
{% macro outcome() -%}
SELECT COUNT(*) AS ASKED, COUNT_IF(NOT PASSED) AS FAILED, MAX(REASON) AS EVIDENCE
{%- endmacro %}
