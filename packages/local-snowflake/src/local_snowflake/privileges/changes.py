"""Whether roles may make a change of the catalog: decided by what it makes of which objects, whatever the statement.

Source: https://docs.snowflake.com/en/user-guide/security-access-control-privileges
"""

from dataclasses import fields, replace
from typing import Protocol

from local_snowflake.catalog.catalog import Change, Key
from local_snowflake.catalog.grants import ACCOUNT
from local_snowflake.catalog.objects import DATABASE, GRANT, SCHEMA, TASK, WAREHOUSE, Object, TaskProps
from local_snowflake.errors import exists_unseen, insufficient_privileges
from local_snowflake.sql.names import Name

# what RESUME, SUSPEND and EXECUTE TASK change of a task: OPERATE is enough for it
_STATE = ("state", "version", "fingerprint", "failures", "committed_on", "suspended_on", "suspended_reason")
_OPERATED = {*_STATE, "resumed_on"}
# privileges besides OWNERSHIP that allow an object to be altered
_ALTERING: dict[str, tuple[str, ...]] = {WAREHOUSE: ("MODIFY",), DATABASE: ("MODIFY",), SCHEMA: ("MODIFY",)}


class Decider(Protocol):
    """The rights of the roles that make the change."""

    def has(self, key: Key, *privileges: str, creating: bool = False) -> bool:
        """Whether they have one of the privileges on an object."""

    def owns(self, found: Object, *, creating: bool = False) -> bool:
        """Whether an object belongs to them."""

    def sees(self, found: Object) -> bool:
        """Whether they may know of an object."""


def check(rights: Decider, change: Change) -> None:
    """Check that roles may make a change.

    Args:
        rights: those of the roles.
        change: the change, with all that it stages.

    Raises:
        SnowflakeError: 003001, if they lack a privilege; 003041, if an object has the name that they may not see.
    """
    outcome, renamed = change.outcome(), change.renamed()
    for key, new in outcome.items():
        # GRANT and REVOKE are decided by what they grant
        if key[0] == GRANT or _is_within(change, outcome, key):
            continue
        old = change.before(key)
        if old is not None and not rights.sees(old) and new is not None:
            raise exists_unseen(old.kind, ".".join(filter(None, old.name)))
        if old is None:
            if new is not None:
                _check_creation(rights, change, outcome, key)
        elif new is None or new.created_on != old.created_on:
            if not rights.owns(old):
                raise insufficient_privileges(old.kind, old.name.name)
            if new is not None and key not in renamed:
                _check_creation(rights, change, outcome, key)
        elif not _may_alter(rights, old, new):
            raise insufficient_privileges(old.kind, old.name.name)


def _parent(key: Key) -> Key:
    """What an object is in: a schema, a database or the account."""
    name = key[1]
    if name.schema:
        return SCHEMA, Name(name.database, "", name.schema)
    return (DATABASE, Name("", "", name.database)) if name.database else (ACCOUNT, Name("", "", ""))


def _is_within(change: Change, outcome: dict[Key, Object | None], key: Key) -> bool:
    """Whether an object is made, moved or dropped with the schema or database that it is in."""
    while (parent := _parent(key))[0] != ACCOUNT:
        before = change.before(parent)
        if parent in outcome:
            after = outcome[parent]
            if before is None or after is None or before.created_on != after.created_on:
                return True
        key = parent
    return False


def _check_creation(rights: Decider, change: Change, outcome: dict[Key, Object | None], key: Key) -> None:
    kind, parent = key[0], _parent(key)
    around = change.before(parent) or outcome.get(parent)
    if (around is not None and rights.owns(around, creating=True)) or rights.has(
        parent, f"CREATE {kind}", creating=True
    ):
        return
    raise insufficient_privileges(parent[0], parent[1].name or "ACCOUNT")


def _may_alter(rights: Decider, old: Object, new: Object) -> bool:
    # another owner: GRANT OWNERSHIP decides
    if rights.owns(old) or replace(old, owner=new.owner) == new:
        return True
    if old.kind == TASK and isinstance(old.props, TaskProps) and isinstance(new.props, TaskProps):
        changed = {f.name for f in fields(TaskProps) if getattr(old.props, f.name) != getattr(new.props, f.name)}
        same = (old.owner, old.comment) == (new.owner, new.comment)
        return same and changed <= _OPERATED and rights.has(old.key, "OPERATE")
    return rights.has(old.key, *_ALTERING[old.kind]) if old.kind in _ALTERING else False
