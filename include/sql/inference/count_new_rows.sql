SELECT COUNT(*) AS N FROM {{ stream }}{{ " WHERE METADATA$ACTION = 'INSERT'" if delta }}
