"""The kinds of objects and the properties that the catalog keeps of each, in the file as JSON under the same names."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar

from pydantic import ConfigDict, RootModel, TypeAdapter, ValidationError

from local_snowflake.catalog.grants import GrantProps
from local_snowflake.sql.names import Name

if TYPE_CHECKING:
    from typing_extensions import TypeIs

P = TypeVar("P")
OptionValue = str | list[str]


class UnreadableObjectError(Exception):
    """An object in a data directory that this version of the local Snowflake does not understand."""


@dataclass(frozen=True)
class Object(Generic[P]):
    """One object: a database, a schema, or anything in one. Account objects have empty database and schema.

    It never changes: a change is a ``dataclasses.replace`` that is ``put`` into the catalog.
    """

    kind: str
    name: Name
    props: P
    owner: str = "SYSADMIN"
    comment: str = ""
    created_on: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def key(self) -> tuple[str, Name]:
        """What identifies the object."""
        return self.kind, self.name


class Kind(str, Generic[P]):
    """A kind of object as statements name it, with the type of its properties."""

    props: type[P]

    def __new__(cls, name: str, props: type[P]) -> Kind[P]:
        """Declare the kind ``name``."""
        kind = super().__new__(cls, name)
        kind.props = props
        return kind

    def describes(self, found: Object | None) -> TypeIs[Object[P]]:
        """Whether an object is there and of this kind."""
        return found is not None and found.kind == self

    @cached_property
    def _adapter(self) -> TypeAdapter[P]:
        return TypeAdapter(self.props)

    def from_json(self, name: Name, text: str) -> P:
        """The properties that the file keeps of an object.

        Raises:
            UnreadableObjectError: if one is missing, of another type, or unknown to this version.
        """
        try:
            return self._adapter.validate_json(text)
        except ValidationError as error:
            faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            raise _unreadable(self, name, faults) from None

    def to_json(self, props: P) -> str:
        """The properties as the file keeps them.

        Raises:
            pydantic_core.PydanticSerializationError: if they could not be read back.
        """
        return self._adapter.dump_json(props, warnings="error").decode()


def _unreadable(kind: str, name: Name, faults: str) -> UnreadableObjectError:
    return UnreadableObjectError(
        f"The data directory has the {kind.lower()} {'.'.join(filter(None, name))}, which this version of the local "
        f"Snowflake cannot read ({faults}). It is damaged, or a later version wrote it: open it with that one."
    )


class _Props:
    __pydantic_config__: ClassVar[ConfigDict] = {"extra": "forbid"}


@dataclass(frozen=True)
class Column(_Props):
    """A column of a table or view; keys are not enforced.

    Attributes:
        type: Snowflake's text of its type, with sizes; ``default`` that of its default expression.
        identity: start and step of an identity column, whose DuckDB sequence is ``sequence``.
        reference: of a foreign key its columns, and the database, schema, table and column that it refers to.
    """

    name: str
    type: str
    nullable: bool = True
    default: str | None = None
    comment: str = ""
    primary_key: bool = False
    unique: bool = False
    identity: tuple[int, int] | None = None
    sequence: str | None = None
    reference: tuple[str, str, str, str, str] | None = None


@dataclass(frozen=True)
class ChangeTracking(_Props):
    """How a table's changes are tracked.

    Attributes:
        id: the number that its versions and streams' offsets go by; it survives a rename.
        time_travel: whether only the retention time asks for it: change tracking then shows as off.
    """

    id: int
    time_travel: bool = False


@dataclass(frozen=True)
class TableProps(_Props):
    """A table. ``change_tracking`` is False if it was switched off, None if it never was on."""

    columns: tuple[Column, ...] = ()
    transient: bool = False
    temporary: bool = False
    cluster_by: str | None = None
    data_retention_time_in_days: int | None = None
    max_data_extension_time_in_days: int | None = None
    change_tracking: ChangeTracking | Literal[False] | None = None


@dataclass(frozen=True)
class ViewProps(_Props):
    """A view.

    Attributes:
        text: the statement that created it.
        columns: its columns as the query had them then.
        column_list: the names that the statement gives them, if it does.
        change_source: the number by which its streams know it: a rename keeps it, a replacement does not.
        change_tracking: whether it is shown as tracked: because it was asked for, or because it has had a stream.
    """

    query: str
    text: str
    columns: tuple[Column, ...]
    column_list: tuple[str, ...] = ()
    secure: bool = False
    change_source: int | None = None
    change_tracking: bool = False
    temporary: bool = False


@dataclass(frozen=True)
class StreamProps(_Props):
    """A stream.

    Attributes:
        id: the number that its offsets go by.
        mode: ``DEFAULT`` or ``APPEND_ONLY``.
        initial_rows: whether it starts with the rows that were there before it.
        source_type: ``Table`` or ``View``.
        table_name: the full name of its source when the stream was created.
        change_source: the number of the view that it reads.
    """

    id: int
    mode: str
    initial_rows: bool
    source_type: str
    table_name: str
    change_source: int | None = None


@dataclass(frozen=True)
class TaskProps(_Props):
    """A task.

    Attributes:
        id: tells it from another task that has its name later.
        condition: the expression behind WHEN.
        warehouse: None of a serverless task.
        predecessors: the names of the tasks in its schema that it runs after.
        finalize: the name of the root whose graph it finalizes.
        settings: what is set of its own options, as text, by their names in upper case.
        parameters: what is set of its session's parameters.
        state: ``started`` or ``suspended``.
        version: the version of the graph that it is the root of.
        fingerprint: tells whether that graph is another than its version's.
        failures: how many runs of that graph failed in a row.
        committed_on, suspended_on, resumed_on: when the version was made, when it was suspended and resumed last.
    """

    id: str
    definition: str
    condition: str | None = None
    schedule: str | None = None
    warehouse: str | None = None
    predecessors: tuple[str, ...] = ()
    finalize: str | None = None
    settings: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    state: str = "suspended"
    version: int = 0
    fingerprint: str = ""
    failures: int = 0
    committed_on: datetime | None = None
    suspended_on: datetime | None = None
    suspended_reason: str | None = None
    resumed_on: datetime | None = None


@dataclass(frozen=True)
class StageProps(_Props):
    """An internal stage, whose files are in the folder ``id``; its options are those of CREATE STAGE's clauses."""

    id: str
    temporary: bool = False
    file_format: dict[str, Any] = field(default_factory=dict)
    directory: dict[str, Any] = field(default_factory=dict)
    encryption: dict[str, Any] = field(default_factory=dict)
    copy_options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FileFormatProps(_Props):
    """A file format: its options by their names in upper case."""

    options: dict[str, Any]
    temporary: bool = False


@dataclass(frozen=True)
class Argument(_Props):
    """An argument of a procedure or function: its name, the text of its type, the text of its default expression."""

    name: str
    type: str
    default: str | None = None


@dataclass(frozen=True)
class RoutineProps(_Props):
    """A procedure or a function.

    Attributes:
        name: its name; the object's is the overload's, eg: ``F(NUMBER, VARCHAR)``.
        returns: the text of the type that it returns.
        table_columns: names and types of the columns if it returns a table, which may be none; None if it does not.
        language: ``SQL`` or ``PYTHON``.
        body: the code; None if that is in a file of ``imports``.
        handler: what of the Python code is called.
        strict: whether a NULL argument makes it return NULL without being called.
        execute_as: ``OWNER``, ``CALLER`` or ``RESTRICTED CALLER``.
    """

    name: str
    args: tuple[Argument, ...]
    returns: str
    table_columns: tuple[tuple[str, str], ...] | None = None
    language: str = "SQL"
    body: str | None = None
    handler: str | None = None
    runtime_version: str | None = None
    packages: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    strict: bool = False
    volatility: str = "VOLATILE"
    execute_as: str = "OWNER"
    aggregate: bool = False
    memoizable: bool = False
    secure: bool = False
    temporary: bool = False
    not_null: bool = False
    copy_grants: bool = False
    artifact_repository: str | None = None
    artifact_repository_packages: tuple[str, ...] = ()
    log_level: str | None = None
    trace_level: str | None = None
    metric_level: str | None = None


@dataclass(frozen=True)
class ModelVersion(_Props):
    """A version of a model. Its files, in ``folder``, never change; comment, metadata and aliases may."""

    name: str
    folder: str
    created_on: str
    comment: str = ""
    metadata: str = "{}"
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModelProps(_Props):
    """A model: its versions in the order of their creation, the name of the default one, its tags' full names."""

    versions: tuple[ModelVersion, ...]
    default: str
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TagProps(_Props):
    """A tag: the values that it may have; any if there are none."""

    allowed_values: tuple[str, ...] = ()


@dataclass(frozen=True)
class SequenceProps(_Props):
    """A sequence.

    Attributes:
        sequence: the name of DuckDB's sequence in the physical schema.
        ordered: whether ORDER was declared; the values are in order in any case.
    """

    sequence: str
    increment: int = 1
    ordered: bool = False


@dataclass(frozen=True)
class DatabaseProps(_Props):
    """A database or schema: its options, which are recorded and have no effect."""

    transient: bool = False
    data_retention_time_in_days: OptionValue | None = None
    max_data_extension_time_in_days: OptionValue | None = None
    default_ddl_collation: OptionValue | None = None
    default_python_artifact_repository: OptionValue | None = None
    log_level: OptionValue | None = None
    trace_level: OptionValue | None = None


class RecordedOptions(RootModel[dict[str, OptionValue]], frozen=True):
    """The options of a warehouse, role or user, by their names in upper case."""


Table = Object[TableProps]
View = Object[ViewProps]
Stream = Object[StreamProps]
Relation = Table | View | Stream
Task = Object[TaskProps]
Stage = Object[StageProps]
Routine = Object[RoutineProps]
Tag = Object[TagProps]
Sequence = Object[SequenceProps]
Schema = Object[DatabaseProps]
Grant = Object[GrantProps]

TABLE = Kind("TABLE", TableProps)
VIEW = Kind("VIEW", ViewProps)
STREAM = Kind("STREAM", StreamProps)
TASK = Kind("TASK", TaskProps)
STAGE = Kind("STAGE", StageProps)
FILE_FORMAT = Kind("FILE FORMAT", FileFormatProps)
PROCEDURE = Kind("PROCEDURE", RoutineProps)
FUNCTION = Kind("FUNCTION", RoutineProps)
MODEL = Kind("MODEL", ModelProps)
TAG = Kind("TAG", TagProps)
SEQUENCE = Kind("SEQUENCE", SequenceProps)
DATABASE = Kind("DATABASE", DatabaseProps)
SCHEMA = Kind("SCHEMA", DatabaseProps)
WAREHOUSE = Kind("WAREHOUSE", RecordedOptions)
ROLE = Kind("ROLE", RecordedOptions)
USER = Kind("USER", RecordedOptions)
GRANT = Kind("GRANT", GrantProps)
_KINDS = (TABLE, VIEW, STREAM, TASK, STAGE, FILE_FORMAT, PROCEDURE, FUNCTION, MODEL, TAG, SEQUENCE, DATABASE, SCHEMA)
KINDS: dict[str, Kind[Any]] = {kind: kind for kind in (*_KINDS, WAREHOUSE, ROLE, USER, GRANT)}


def read_props(kind: str, name: Name, text: str) -> Any:
    """The properties that the file has of an object of any kind.

    Raises:
        UnreadableObjectError: as ``Kind.from_json``, and for a kind that this version does not have.
    """
    if kind not in KINDS:
        raise _unreadable(kind, name, "its kind is unknown")
    return KINDS[kind].from_json(name, text)
