-- How often a challenger scored beside a champion, how often it could not, and why not the last time.
SELECT
    COUNT(*) AS RUNS,
    COUNT(ERROR) AS FAILED,
    (
        SELECT ERROR FROM {{ identifier(database, 'OPS', 'CHALLENGES') }}
        WHERE CHALLENGER = {{ challenger|literal }} AND CHAMPION = {{ champion|literal }} AND MODE = {{ mode|literal }}
            AND ERROR IS NOT NULL
        ORDER BY NOTED_AT DESC
        LIMIT 1
    ) AS LAST_ERROR
FROM {{ identifier(database, 'OPS', 'CHALLENGES') }}
WHERE CHALLENGER = {{ challenger|literal }} AND CHAMPION = {{ champion|literal }} AND MODE = {{ mode|literal }}
    AND ROWS_SCORED IS NOT NULL
