"""ALTER USER and DESCRIBE USER, of the account's one user."""

from dataclasses import replace
from datetime import UTC, datetime

from local_snowflake.catalog.objects import USER, Object, RecordedOptions
from local_snowflake.errors import compilation_error, does_not_exist, not_supported
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import statement
from local_snowflake.execution.results import Result, rows, status
from local_snowflake.sql.names import Name
from local_snowflake.sql.statement import Reader, Statement, skip_head
from local_snowflake.users.public_keys import PROPERTIES, changed, fingerprint, read_public_key, set_time_of

_COMMENT = "COMMENT"
_ABOUT = {
    "NAME": "Name",
    "COMMENT": "user comment associated to an object in the dictionary",
    "LOGIN_NAME": "Name that the user enters to log into the system",
    "PASSWORD": "Password of user",
}


@statement("ALTER", "USER")
def alter_user(ctx: Context, stmt: Statement) -> Result:
    """ALTER USER [IF EXISTS] [name] SET | UNSET of RSA_PUBLIC_KEY, RSA_PUBLIC_KEY_2 and COMMENT.

    Source: https://docs.snowflake.com/en/sql-reference/sql/alter-user
    """
    reader = skip_head(stmt)
    if_exists = reader.accept("IF", "EXISTS")
    name = _own_name(ctx) if reader.peek() in {"SET", "UNSET"} else Name("", "", reader.identifier())
    values = _changes(reader)
    if ctx.token.parent is not None:
        # whoever wrote a handler may not leave a key behind by which to come back
        raise not_supported("ALTER USER in a procedure")
    if name != _own_name(ctx):
        if not if_exists:
            raise does_not_exist("User", name.name)
        return status()
    found = _user(ctx, name)
    options, now = found.props.root, datetime.now(UTC)
    for key in PROPERTIES:
        if key in values:
            options = changed(options, key, values[key], now)
    new = replace(found, props=RecordedOptions(options), comment=values.get(_COMMENT, found.comment))
    with ctx.ddl() as change:
        change.put(new)
    return status()


@statement("DESCRIBE", "USER")
def describe_user(ctx: Context, stmt: Statement) -> Result:
    """DESCRIBE USER name; a property without a value has the text ``null``.

    Source: https://docs.snowflake.com/en/sql-reference/sql/desc-user
    """
    reader = skip_head(stmt)
    name = Name("", "", reader.identifier())
    reader.finish()
    if name != _own_name(ctx):
        raise does_not_exist("User", name.name)
    user = _user(ctx, name)
    values = {"NAME": name.name, _COMMENT: user.comment, "LOGIN_NAME": name.name, "PASSWORD": "********"}
    about = dict(_ABOUT)
    for key in PROPERTIES:
        text = str(user.props.root.get(key, ""))
        values[key] = text
        values[f"{key}_FP"] = fingerprint(read_public_key(text)) if text else ""
        values[set_time_of(key)] = str(user.props.root.get(set_time_of(key), ""))
        about |= {key: "RSA public key of the user", f"{key}_FP": "Fingerprint of the user's RSA public key"}
        about[set_time_of(key)] = "The timestamp at which the user's RSA public key was last set"
    records = [
        {"property": key, "value": value or "null", "default": "null", "description": about[key]}
        for key, value in values.items()
    ]
    return rows(records, ("property", "value", "default", "description"))


def _own_name(ctx: Context) -> Name:
    """The name of the session's user, which is the account's only one."""
    return Name("", "", ctx.session.user.upper())


def _user(ctx: Context, name: Name) -> Object[RecordedOptions]:
    """The user; the catalog has it from its first change on."""
    return ctx.catalog.get(USER, name) or Object(USER, name, RecordedOptions({}), owner=ctx.session.role)


def _changes(reader: Reader) -> dict[str, str]:
    """What SET or UNSET changes: the values of properties, empty for those that are unset.

    Raises 001003 if it changes nothing; 000002 for a property that the local Snowflake does not have.
    """
    if reader.accept("SET"):
        values = {key: value if isinstance(value, str) else "" for key, value in reader.options().items()}
    elif reader.accept("UNSET"):
        values = dict.fromkeys((key.upper() for key in reader.listed(reader.identifier)), "")
    else:
        raise reader.unexpected("SET or UNSET")
    reader.finish()
    if not values:
        raise compilation_error("ALTER USER … SET has no property.")
    if unknown := set(values) - {*PROPERTIES, _COMMENT}:
        raise not_supported(f"{min(unknown)} of a user")
    return values
