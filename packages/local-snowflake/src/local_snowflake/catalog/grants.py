"""What the catalog keeps of a grant."""

from dataclasses import dataclass, field
from typing import ClassVar

from pydantic import ConfigDict

from local_snowflake.sql.names import Name, shown

ACCOUNT = "ACCOUNT"


@dataclass(frozen=True)
class GrantProps:
    """A privilege that a role has on an object, or a role that a role or user has.

    Attributes:
        privilege: eg: ``SELECT``; ``USAGE`` of a role.
        on: the kind of the object: ``ACCOUNT``, ``ROLE``, or as statements name it.
        target: its full name; of a future grant the database and the schema, or the database alone.
        to: ``ROLE`` or ``USER``, the kind of ``grantee``.
        grant_option: whether the grantee may grant it to others.
        future: whether it is about the objects of the kind that will be created there.
    """

    privilege: str = ""
    on: str = ""
    target: Name = field(default_factory=lambda: Name("", "", ""))
    to: str = "ROLE"
    grantee: str = ""
    grant_option: bool = False
    future: bool = False

    __pydantic_config__: ClassVar[ConfigDict] = {"extra": "forbid"}

    @property
    def key(self) -> tuple[str, Name]:
        """What identifies the object in the catalog."""
        return self.on, self.target

    @property
    def target_text(self) -> str:
        """The object's name, as SHOW GRANTS prints it."""
        text = ".".join(shown(part) for part in self.target if part)
        return f"{text}.<{self.on}>" if self.future else text

    @property
    def name(self) -> Name:
        """The name by which the grant is catalogued: one for each privilege, object and grantee."""
        on = " ".join(filter(None, ("FUTURE" * self.future, self.on, self.target_text)))
        return Name("", "", f"{self.privilege} ON {on} TO {self.to} {shown(self.grantee)}")
