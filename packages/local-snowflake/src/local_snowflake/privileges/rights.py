"""What a session may do: all, or what its roles have."""

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from functools import partial

from local_snowflake.catalog.catalog import Catalog, Key
from local_snowflake.catalog.objects import DATABASE, GRANT, ROLE, SCHEMA, TASK, USER, WAREHOUSE, Object
from local_snowflake.errors import SnowflakeError, exists_unseen, insufficient_privileges
from local_snowflake.privileges import changes
from local_snowflake.privileges.grants import ALL, ON_ACCOUNT, Grants
from local_snowflake.privileges.rules import MANAGE_GRANTS
from local_snowflake.privileges.visible import VisibleCatalog
from local_snowflake.sessions.session import Session
from local_snowflake.sql.names import Name

# objects that everybody sees: what may be done with them is another question
_SEEN = {ROLE, USER, GRANT}


class Rights:
    """The rights where privileges are not enforced: whatever is asked is allowed.

    Attributes:
        catalog: the objects that can be seen.
        key: tells rights apart, for what is kept of a compiled statement.
    """

    key: Hashable = None

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog

    def holds(self, found: Object, *privileges: str) -> bool:
        """Whether the roles own an object or have one of the privileges on it."""
        return True

    def require(self, found: Object, *privileges: str) -> None:
        """Check that the roles own an object or have one of the privileges on it.

        Raises:
            SnowflakeError: 003001, if they do not.
        """

    def lacks_on_account(self, role: str, privilege: str) -> bool:
        """Whether a role lacks a privilege on the account."""
        return False

    def manages_grants(self) -> bool:
        """Whether the roles may grant on any object as its owner may."""
        return True

    def may_grant(self, key: Key, owner: str, privilege: str) -> bool:
        """Whether the roles may grant a privilege on an object, or take it back."""
        return True

    def is_active(self, role: str) -> bool:
        """Whether the session has a role's privileges."""
        return True

    def monitors(self, task: Name) -> bool:
        """Whether the runs of a task, which may be gone, are shown."""
        return True

    def check_role(self, role: str) -> None:
        """Check that the session's user may take a role.

        Raises:
            SnowflakeError: 003013, if it is not granted to the user; 090236 where an owner's rights hold: in a
            procedure AS OWNER, and in a task.

        Source: https://docs.snowflake.com/en/sql-reference/sql/use-role
        """

    def check_task(self, owner: str, warehouse: str | None) -> None:
        """Check that a task may run: that its owner may execute tasks, and use its warehouse.

        Raises:
            SnowflakeError: 091089, if it may not.

        Source: https://docs.snowflake.com/en/user-guide/tasks-intro#task-security
        """

    def refuse_unseen(self, kinds: tuple[str, ...], name: Name) -> None:
        """Raise 003041 if an object has the name that the roles may not see: none can be made under it."""

    @contextmanager
    def of_owner(self, owner: str | None) -> Iterator[None]:
        """Have the rights of an object's owner instead, as what a view reads needs; None: keep them."""
        yield


class EnforcedRights(Rights):
    """The rights of a session's roles."""

    def __init__(self, catalog: Catalog, grants: "CurrentGrants", session: Session) -> None:
        self._all = catalog
        self._grants = grants
        self._session = session
        self._owner: str | None = None
        self.catalog = VisibleCatalog(catalog, self.sees, partial(changes.check, self))

    @property
    def key(self) -> Hashable:  # type: ignore[override]
        """The roles that decide."""
        session = self._session
        return session.user, session.role, session.secondary_roles, self._owner

    @property
    def roles(self) -> frozenset[str]:
        """Every role whose privileges count."""
        if self._owner is not None:
            return self._grants().roles([self._owner])
        return self._grants.in_session(self._session)

    @property
    def creating_roles(self) -> frozenset[str]:
        """Those whose privileges to create count: secondary roles do not.

        Source: https://docs.snowflake.com/en/user-guide/security-access-control-overview#label-access-control-role-enforcement
        """
        return self._grants().roles([self._owner or self._session.role])

    def has(self, key: Key, *privileges: str, creating: bool = False) -> bool:
        """Whether the roles have one of the privileges on an object; without any named, any at all."""
        roles = self.creating_roles if creating else self.roles
        held = self._grants().privileges(key, roles)
        return bool(held & {*privileges} if privileges else held)

    def owns(self, found: Object, *, creating: bool = False) -> bool:
        """Whether an object belongs to one of the roles, or to the session."""
        roles = self.creating_roles if creating else self.roles
        return found.owner in roles or bool(getattr(found.props, "temporary", False))

    def holds(self, found: Object, *privileges: str) -> bool:
        """Whether the roles own an object or have one of the privileges on it."""
        return self.owns(found) or self.has(found.key, *privileges)

    def require(self, found: Object, *privileges: str) -> None:
        """Check that the roles own an object or have one of the privileges on it.

        Raises:
            SnowflakeError: 003001, if they do not.
        """
        if not self.holds(found, *privileges):
            raise insufficient_privileges(found.kind, found.name.name)

    def sees(self, found: Object) -> bool:
        """Whether the roles have a privilege on an object, and on the schema and database that it is in.

        Source: https://docs.snowflake.com/en/sql-reference/sql/create-table#access-control-requirements
        """
        if found.kind in _SEEN or getattr(found.props, "temporary", False):
            return True
        return self.holds(found) and all(
            parent is not None and self.holds(parent) for parent in parents(self._all, found)
        )

    def lacks_on_account(self, role: str, privilege: str) -> bool:
        """Whether a role lacks a privilege on the account."""
        grants = self._grants()
        return privilege not in grants.privileges(ON_ACCOUNT, grants.roles([role]))

    def manages_grants(self) -> bool:
        """Whether the roles may grant on any object as its owner may."""
        return self.has(ON_ACCOUNT, MANAGE_GRANTS)

    def may_grant(self, key: Key, owner: str, privilege: str) -> bool:
        """Whether the roles may grant a privilege on an object, or take it back."""
        grantable = self._grants().privileges(key, self.roles, grantable=True)
        return self.manages_grants() or owner in self.roles or privilege in grantable

    def is_active(self, role: str) -> bool:
        """Whether the session has a role's privileges."""
        return role in self.roles

    def monitors(self, task: Name) -> bool:
        """Whether the runs of a task, which may be gone, are shown.

        Source: https://docs.snowflake.com/en/sql-reference/functions/task_history
        """
        return self.has(ON_ACCOUNT, "MONITOR EXECUTION") or self.catalog.get(TASK, task) is not None

    def check_role(self, role: str) -> None:
        """Check that the session's user may take a role.

        Raises:
            SnowflakeError: 003013, if it is not granted to the user; 090236 where an owner's rights hold: in a
            procedure AS OWNER, and in a task.
        """
        if self._session.has_owners_rights:
            text = "Stored procedure execution error: Unsupported statement type 'USE ROLE'."
            raise SnowflakeError(90236, "42601", text)
        if role not in self._grants().roles_of_user(self._session.user.upper()):
            text = f"Requested role '{role}' is not assigned to the executing user. Specify another role or ask your "
            raise SnowflakeError(3013, "42501", f"SQL access control error:\n{text}administrator to assign the role.")

    def check_task(self, owner: str, warehouse: str | None) -> None:
        """Check that a task may run: that its owner may execute tasks, and use its warehouse.

        Raises:
            SnowflakeError: 091089, if it may not.
        """
        grants = self._grants()
        roles = grants.roles([owner])
        lacking = [
            p
            for p in ("EXECUTE TASK", *([] if warehouse else ["EXECUTE MANAGED TASK"]))
            if p not in grants.privileges(ON_ACCOUNT, roles)
        ]
        if warehouse:
            found = self._all.get(WAREHOUSE, Name("", "", warehouse))
            if found is None or (found.owner not in roles and "USAGE" not in grants.privileges(found.key, roles)):
                lacking.append(f"USAGE on warehouse {warehouse}")
        if lacking:
            text = f"Cannot execute task, {lacking[0]} privilege must be granted to owner role {owner}"
            raise SnowflakeError(91089, "42501", text)

    def refuse_unseen(self, kinds: tuple[str, ...], name: Name) -> None:
        """Raise 003041 if an object has the name that the roles may not see: none can be made under it."""
        for kind in kinds:
            if (found := self._all.get(kind, name)) and not self.sees(found):
                raise exists_unseen(kind, ".".join(filter(None, name)))

    @contextmanager
    def of_owner(self, owner: str | None) -> Iterator[None]:
        """Have the rights of an object's owner instead, as what a view reads needs; None: keep them."""
        before = self._owner
        self._owner = self._owner if owner is None else owner
        try:
            yield
        finally:
            self._owner = before


def parents(catalog: Catalog, found: Object) -> list[Object | None]:
    """The schema and database that an object is in, as far as it is in any."""
    name, around = found.name, list[Object | None]()
    if name.schema:
        around.append(catalog.get(SCHEMA, Name(name.database, "", name.schema)))
    if name.database:
        around.append(catalog.get(DATABASE, Name("", "", name.database)))
    return around


class CurrentGrants:
    """The grants of the catalog as it is now, read again when it has changed."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._grants = Grants(catalog)

    def __call__(self) -> Grants:
        """The grants."""
        if self._grants.version != self._catalog.version:
            self._grants = Grants(self._catalog)
        return self._grants

    def in_session(self, session: Session) -> frozenset[str]:
        """A session's roles, and those that they have by their grants."""
        grants = self()
        if session.secondary_roles == (ALL,):
            return grants.roles([session.role]) | grants.roles_of_user(session.user)
        return grants.roles([session.role, *session.secondary_roles])


class Access:
    """The rights of an account's sessions."""

    def __init__(self, catalog: Catalog, *, enforced: bool) -> None:
        self.enforced = enforced
        self._catalog = catalog
        self._grants = CurrentGrants(catalog)
        self._everything = Rights(catalog)

    def rights(self, session: Session) -> Rights:
        """What a session may do."""
        return EnforcedRights(self._catalog, self._grants, session) if self.enforced else self._everything

    def roles_in_session(self, session: Session) -> frozenset[str]:
        """The session's roles, and those that they have by their grants."""
        return self._grants.in_session(session)

    def roles_of_user(self, user: str) -> frozenset[str]:
        """The roles that a user may take, if they are enforced."""
        return self._grants().roles_of_user(user.upper())
