SELECT HOLDER FROM {{ identifier(database, 'OPS', 'REPAIR_LOCK') }}
