-- Scoring runs, requeues and recoveries take turns; nothing is updated if another had one since the holder was looked at.
UPDATE {{ identifier(database, 'OPS', 'REPAIR_LOCK') }} SET HOLDER = '<<holder>>' WHERE HOLDER = '<<before>>'
