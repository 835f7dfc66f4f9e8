UPDATE {{ identifier(database, 'OPS', 'REPAIR_LOCK') }} SET HOLDER = {{ run_id|literal }}
