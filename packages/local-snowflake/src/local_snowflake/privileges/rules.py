"""Which privileges there are on objects of each kind, and what the roles of the system have from the beginning.

Source: https://docs.snowflake.com/en/user-guide/security-access-control-privileges
"""

from local_snowflake.catalog.grants import ACCOUNT
from local_snowflake.catalog.objects import (
    DATABASE,
    FILE_FORMAT,
    FUNCTION,
    MODEL,
    PROCEDURE,
    SCHEMA,
    SEQUENCE,
    STAGE,
    STREAM,
    TABLE,
    TAG,
    TASK,
    VIEW,
    WAREHOUSE,
)

OWNERSHIP = "OWNERSHIP"
MANAGE_GRANTS = "MANAGE GRANTS"
PUBLIC = "PUBLIC"
ACCOUNTADMIN, SECURITYADMIN, SYSADMIN, USERADMIN = "ACCOUNTADMIN", "SECURITYADMIN", "SYSADMIN", "USERADMIN"

# what ALL PRIVILEGES means; EVOLVE SCHEMA and the like are of what the local Snowflake does not have
_IN_SCHEMA = (TABLE, VIEW, STREAM, TASK, STAGE, FILE_FORMAT, PROCEDURE, FUNCTION, MODEL, TAG, SEQUENCE)
PRIVILEGES: dict[str, tuple[str, ...]] = {
    ACCOUNT: (
        *("CREATE DATABASE", "CREATE WAREHOUSE", "CREATE ROLE", "CREATE USER", "CREATE INTEGRATION", "CREATE SHARE"),
        *("EXECUTE TASK", "EXECUTE MANAGED TASK", MANAGE_GRANTS, "MONITOR USAGE", "MONITOR EXECUTION"),
    ),
    DATABASE: ("CREATE SCHEMA", "MODIFY", "MONITOR", "USAGE"),
    SCHEMA: ("MODIFY", "MONITOR", "USAGE", *(f"CREATE {kind}" for kind in _IN_SCHEMA)),
    WAREHOUSE: ("MODIFY", "MONITOR", "OPERATE", "USAGE"),
    TABLE: ("DELETE", "INSERT", "REFERENCES", "SELECT", "TRUNCATE", "UPDATE"),
    VIEW: ("DELETE", "INSERT", "REFERENCES", "SELECT", "TRUNCATE", "UPDATE"),
    STREAM: ("SELECT",),
    TASK: ("MONITOR", "OPERATE"),
    STAGE: ("READ", "USAGE", "WRITE"),
    FILE_FORMAT: ("USAGE",),
    PROCEDURE: ("USAGE",),
    FUNCTION: ("USAGE",),
    MODEL: ("READ", "USAGE"),
    TAG: ("APPLY", "READ"),
    SEQUENCE: ("USAGE",),
}

# a role -> those whose privileges it inherits
# https://docs.snowflake.com/en/user-guide/security-access-control-overview#system-defined-roles
INHERITED: dict[str, tuple[str, ...]] = {
    ACCOUNTADMIN: (SYSADMIN, SECURITYADMIN),
    SECURITYADMIN: (USERADMIN,),
}
# what they have on the account
GLOBAL: dict[str, tuple[str, ...]] = {
    ACCOUNTADMIN: PRIVILEGES[ACCOUNT],
    SECURITYADMIN: (MANAGE_GRANTS,),
    SYSADMIN: ("CREATE DATABASE", "CREATE WAREHOUSE"),
    USERADMIN: ("CREATE ROLE", "CREATE USER"),
}
