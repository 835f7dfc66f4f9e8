"""Grants follow their objects: they get another name with them, and end with them; future grants become grants."""

from dataclasses import replace
from datetime import UTC, datetime

from local_snowflake.catalog.catalog import Catalog, Change, Key
from local_snowflake.catalog.grants import GrantProps
from local_snowflake.catalog.objects import DATABASE, GRANT, SCHEMA, Grant, Object
from local_snowflake.privileges.rules import OWNERSHIP
from local_snowflake.sql.names import Name


def grants_after(catalog: Catalog, change: Change) -> dict[Key, Object | None]:
    """What a change makes of the grants on the objects that it creates, renames or drops.

    A replaced object loses its grants, unless the statement says COPY GRANTS.

    Args:
        catalog: the objects before the change.
        change: the change.

    Returns:
        The grants that are new, changed or gone (None), by their keys.

    Source: https://docs.snowflake.com/en/sql-reference/sql/grant-privilege
    """
    outcome = {key: new for key, new in change.outcome().items() if key[0] != GRANT}
    grants: list[Grant] = [*catalog.group(GRANT, "").values()]
    if not grants or not outcome:
        return {}
    after: dict[Key, Object | None] = {}
    _follow(after, grants, change.renamed(), _gone(change, outcome))
    for each in _made(change, outcome):
        for grant in _future(grants, each):
            granted = replace(grant.props, target=each.name, future=False)
            if granted.privilege == OWNERSHIP:
                after[each.key] = replace(each, owner=granted.grantee)
            else:
                _put(after, Object(GRANT, granted.name, granted, grant.owner, created_on=datetime.now(UTC)))
    return after


def _is_new(change: Change, new: Object) -> bool:
    old = change.before(new.key)
    return old is None or old.created_on != new.created_on


def _gone(change: Change, outcome: dict[Key, Object | None]) -> set[Key]:
    """The objects whose grants end: those that are dropped, or replaced without COPY GRANTS."""
    ends = (key for key, new in outcome.items() if new is None or (_is_new(change, new) and not change.copies_grants))
    return {key for key in ends if change.before(key) is not None}


def _made(change: Change, outcome: dict[Key, Object | None]) -> list[Object]:
    renamed = set(change.renamed().values())
    return [new for key, new in outcome.items() if new is not None and _is_new(change, new) and key not in renamed]


def _follow(after: dict[Key, Object | None], grants: list[Grant], renamed: dict[Key, Key], gone: set[Key]) -> None:
    """Give the grants on objects their new names, and end those on and to what is gone."""
    for grant in grants:
        props = grant.props
        grantee: Key = (props.to, Name("", "", props.grantee))
        if (new_key := renamed.get(props.key)) and not props.future:
            after[grant.key] = None
            _put(after, replace(grant, props=replace(props, target=new_key[1])))
        elif {props.key, grantee} & gone or _is_in(props, gone):
            after[grant.key] = None


def _put(after: dict[Key, Object | None], grant: Grant) -> None:
    grant = replace(grant, name=grant.props.name)
    after[grant.key] = grant


def _is_in(props: GrantProps, gone: set[Key]) -> bool:
    """Whether a future grant is about a schema or database that is gone."""
    database, schema, _ = props.target
    keys = {(DATABASE, Name("", "", database)), (SCHEMA, Name(database, "", schema))}
    return props.future and bool(keys & gone)


def _future(grants: list[Grant], new: Object) -> list[Grant]:
    """The future grants that hold for a new object: those of its schema, or else of its database.

    Source: https://docs.snowflake.com/en/user-guide/security-access-control-configure#assigning-future-grants-on-objects
    """
    future = [g for g in grants if g.props.future and g.props.on == new.kind and g.props.target[0] == new.name.database]
    of_schema = [g for g in future if g.props.target[1] and g.props.target[1] == new.name.schema]
    return of_schema or [g for g in future if not g.props.target[1]]
