-- Why the gate's last verdict does not let a version serve next to the champion, or NULL: it need not be as good as that.
SELECT CASE
    WHEN COUNT(*) = 0 THEN 'the gate has not judged it'
    WHEN COUNT_IF(CHECK_NAME = 'OVERRIDE') > 0 THEN NULL
    WHEN COUNT_IF(NOT PASSED AND CHECK_NAME <> 'NOT_WORSE_THAN_CHAMPION') > 0 THEN 'the gate refused it: '
        || LISTAGG(CASE WHEN NOT PASSED AND CHECK_NAME <> 'NOT_WORSE_THAN_CHAMPION' THEN REASON END, '; ')
END AS REASON,
    MAX(VERDICT_ID) AS VERDICT_ID
FROM {{ identifier(database, 'OPS', 'VERDICTS') }}
WHERE VERDICT_ID = (
    SELECT VERDICT_ID FROM {{ identifier(database, 'OPS', 'VERDICTS') }}
    WHERE MODEL_NAME = {{ model_name|bind }} AND MODEL_VERSION = {{ version|bind }}
    ORDER BY DECIDED_AT DESC, VERDICT_ID
    LIMIT 1
)
