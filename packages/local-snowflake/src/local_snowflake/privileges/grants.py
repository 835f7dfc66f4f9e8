"""The grants of an account, by role and by object."""

from collections import defaultdict
from collections.abc import Iterable

from local_snowflake.catalog.catalog import Catalog, Key
from local_snowflake.catalog.grants import ACCOUNT
from local_snowflake.catalog.objects import GRANT, ROLE
from local_snowflake.privileges.rules import ACCOUNTADMIN, GLOBAL, INHERITED, PUBLIC
from local_snowflake.sql.names import Name

ON_ACCOUNT: Key = (ACCOUNT, Name("", "", ""))
ALL = "ALL"


class Grants:
    """The grants as they are in one version of the catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self.version = catalog.version
        self._inherited: dict[str, set[str]] = defaultdict(set, {r: set(names) for r, names in INHERITED.items()})
        self._of_user: dict[str, set[str]] = defaultdict(set)
        # object -> role -> privilege -> whether the role may grant it
        self._on: dict[Key, dict[str, dict[str, bool]]] = defaultdict(lambda: defaultdict(dict))
        for role, names in GLOBAL.items():
            self._on[ON_ACCOUNT][role] = dict.fromkeys(names, True)
        for grant in catalog.group(GRANT, "").values():
            props = grant.props
            if props.on == ROLE and props.to == ROLE:
                self._inherited[props.grantee].add(props.target[2])
            elif props.on == ROLE:
                self._of_user[props.grantee].add(props.target[2])
            if not props.future and props.to == ROLE:
                self._on[props.key][props.grantee][props.privilege] = props.grant_option

    def roles(self, names: Iterable[str]) -> frozenset[str]:
        """Roles, those that they inherit from, and PUBLIC, which every user has."""
        found, waiting = {PUBLIC}, [*names]
        while waiting:
            if (role := waiting.pop()) not in found:
                found.add(role)
                waiting += self._inherited.get(role, ())
        return frozenset(found)

    def roles_of_user(self, user: str) -> frozenset[str]:
        """The roles that a user may take. The account's one user is its administrator."""
        return self.roles({ACCOUNTADMIN, *self._of_user.get(user, ())})

    def privileges(self, key: Key, roles: frozenset[str], *, grantable: bool = False) -> set[str]:
        """What roles have on an object; if that is asked, only what they may grant."""
        held = self._on.get(key, {})
        return {name for role in roles & held.keys() for name, option in held[role].items() if option or not grantable}
