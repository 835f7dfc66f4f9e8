"""The catalog: changes that run side by side and when one of them is repeated; properties as the file keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pydantic_core import PydanticSerializationError

from local_snowflake.catalog import catalog as catalog_module
from local_snowflake.catalog.catalog import Catalog
from local_snowflake.catalog.objects import (
    DATABASE,
    FUNCTION,
    KINDS,
    MODEL,
    PROCEDURE,
    SCHEMA,
    STAGE,
    STREAM,
    TABLE,
    TASK,
    VIEW,
    WAREHOUSE,
    Argument,
    ChangeTracking,
    Column,
    DatabaseProps,
    ModelProps,
    ModelVersion,
    Object,
    RecordedOptions,
    RoutineProps,
    StageProps,
    StreamProps,
    TableProps,
    TaskProps,
    UnreadableObjectError,
    ViewProps,
    read_props,
)
from local_snowflake.catalog.storage import Storage
from local_snowflake.errors import CatalogChangedError, SnowflakeError
from local_snowflake.sql.names import Name

PROPS: dict[str, Any] = {
    TABLE: TableProps((Column("A", "NUMBER(38,0)", identity=(1, 2), sequence="$SEQ_1"),), cluster_by="A"),
    VIEW: ViewProps("SELECT 1", "CREATE VIEW V AS SELECT 1", (Column("1", "NUMBER(1,0)"),), ("X",)),
    STREAM: StreamProps(3, "DEFAULT", initial_rows=True, source_type="Table", table_name="D.S.T"),
    TASK: TaskProps("id", "SELECT 1", predecessors=("A", "B"), parameters={"N": 1}, resumed_on=datetime.now(UTC)),
    STAGE: StageProps("id", file_format={"TYPE": "CSV", "NULL_IF": ["a", "b"]}),
    PROCEDURE: RoutineProps("P", (Argument("A", "VARCHAR", "'x'"),), "TABLE (C DATE)", (("C", "DATE"),), body="…"),
    MODEL: ModelProps((ModelVersion("V1", "folder", "2026-01-01T00:00:00+00:00", aliases=("X",)),), "V1", {"T": "v"}),
    DATABASE: DatabaseProps(),
    SCHEMA: DatabaseProps(transient=True, log_level="INFO"),
    WAREHOUSE: RecordedOptions({"WAREHOUSE_SIZE": "SMALL"}),
}


def table(name: str, schema: str = "S", kind: str = TABLE) -> Object:
    return Object(kind, Name("D", schema, name), PROPS[kind])


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    made = Storage(tmp_path / "snowflake.duckdb")
    yield made
    made.close()


def put(catalog: Catalog, duck: duckdb.DuckDBPyConnection, *objects: Object, since: int | None = None) -> None:
    with catalog.change(duck, since) as change:
        for each in objects:
            change.put(each)


@pytest.mark.parametrize(
    ("other", "refused"),
    [
        (table("T"), True),
        (table("T", kind=VIEW), True),
        (Object(SCHEMA, Name("D", "", "S"), DatabaseProps()), True),
        (Object(DATABASE, Name("", "", "D"), DatabaseProps()), True),
        (table("T", kind=STAGE), False),
        (table("U"), False),
        (table("T", schema="S2"), False),
    ],
)
def test_a_change_is_repeated_if_what_it_concerns_was_changed(storage: Storage, other: Object, refused: bool) -> None:
    catalog = Catalog(storage.cursor())
    begun = catalog.version
    put(catalog, storage.cursor(), other)
    mine = replace(table("T"), comment="mine")
    if refused:
        with pytest.raises(CatalogChangedError):
            put(catalog, storage.cursor(), mine, since=begun)
    else:
        put(catalog, storage.cursor(), mine, since=begun)
        assert catalog.need(TABLE, mine.name).comment == "mine"
    assert catalog.get(*other.key)
    again = Catalog(storage.cursor())
    assert sorted(o.key for o in again.all(other.kind)) == sorted(o.key for o in catalog.all(other.kind))


def test_changes_that_overlap_are_both_kept_unless_they_concern_each_other(storage: Storage) -> None:
    catalog = Catalog(storage.cursor())

    def overlap(mine: Object, other: Object) -> None:
        with catalog.change(storage.cursor(), catalog.version) as change:
            change.put(mine)
            put(catalog, storage.cursor(), other, since=catalog.version)

    overlap(table("A"), table("B"))
    with pytest.raises(CatalogChangedError):
        overlap(table("C"), table("C"))
    assert [o.name.name for o in Catalog(storage.cursor()).all("TABLE")] == ["A", "B", "C"]


def test_tasks_of_a_schema_concern_each_other(storage: Storage) -> None:
    catalog = Catalog(storage.cursor())
    begun = catalog.version
    put(catalog, storage.cursor(), table("ROOT", kind=TASK))
    with pytest.raises(CatalogChangedError):
        put(catalog, storage.cursor(), table("CHILD", kind=TASK), since=begun)
    put(catalog, storage.cursor(), table("CHILD", schema="S2", kind=TASK), since=begun)


def test_a_change_that_relies_on_a_whole_schema(storage: Storage) -> None:
    catalog = Catalog(storage.cursor())
    begun = catalog.version
    put(catalog, storage.cursor(), table("T", schema="S2"))
    with catalog.change(storage.cursor(), begun) as change:
        change.rely_on_all("D", "S")
    with pytest.raises(CatalogChangedError), catalog.change(storage.cursor(), begun) as change:
        change.rely_on_all("D")


def test_a_change_that_is_older_than_the_log_is_repeated(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog_module, "_COMMITS_LOGGED", 2)
    catalog = Catalog(storage.cursor())
    begun = catalog.version
    for name in ("A", "B"):
        put(catalog, storage.cursor(), table(name))
    put(catalog, storage.cursor(), table("C"), since=begun)
    with pytest.raises(CatalogChangedError):
        put(catalog, storage.cursor(), table("E"), since=begun)


def test_an_error_of_a_change_leaves_everything_as_it_was(storage: Storage) -> None:
    catalog = Catalog(storage.cursor())

    def fail() -> None:
        with catalog.change(storage.cursor(), catalog.version) as change:
            change.put(table("T"))
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    assert catalog.all("TABLE") == Catalog(storage.cursor()).all("TABLE") == []


# -- properties in the file -------------------------------------------------------------------------------------------


def test_what_is_written_is_read_again(storage: Storage) -> None:
    written = [table("O", kind=kind) for kind in PROPS]
    put(Catalog(storage.cursor()), storage.cursor(), *written)
    catalog = Catalog(storage.cursor())
    assert [catalog.need(o.kind, o.name) for o in written] == written


NAME = Name("D", "S", "O")


def put_json(storage: Storage, kind: str, text: str) -> Catalog:
    """A catalog with one object, as another version of the server wrote its properties."""
    row = [kind, *NAME, datetime.now(UTC), "SYSADMIN", "", text]
    storage.cursor().execute('INSERT INTO "$META".objects VALUES (?, ?, ?, ?, ?, ?, ?, ?)', row)
    return Catalog(storage.cursor())


# as they were written before the properties had types
OLD_COLUMN = '{"name": "A", "type": "DATE", "nullable": false, "default": null, "comment": "", "primary_key": true}'
OLD_STATE = '"id": "i", "state": "started", "version": 2, "fingerprint": "f", "failures": 0, "committed_on": null'


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        (
            TABLE,
            f'{{"transient": false, "temporary": false, "change_tracking": {{"id": 4}}, "columns": [{OLD_COLUMN}]}}',
            TableProps((Column("A", "DATE", nullable=False, primary_key=True),), change_tracking=ChangeTracking(4)),
        ),
        (
            TABLE,
            '{"columns": [], "change_tracking": false, "data_retention_time_in_days": 0}',
            TableProps(change_tracking=False, data_retention_time_in_days=0),
        ),
        (
            TASK,
            (
                f'{{"definition": "SELECT 1", "condition": null, "schedule": "1 MINUTE", "warehouse": null, '
                f'"predecessors": [], "finalize": null, "settings": {{}}, "parameters": {{}}, {OLD_STATE}, '
                '"suspended_on": null, "suspended_reason": null, "resumed_on": "2026-03-03T12:00:00+00:00"}'
            ),
            TaskProps(
                "i",
                "SELECT 1",
                schedule="1 MINUTE",
                state="started",
                version=2,
                fingerprint="f",
                resumed_on=datetime(2026, 3, 3, 12, tzinfo=UTC),
            ),
        ),
        (
            FUNCTION,
            (
                '{"args": [{"name": "X", "type": "FLOAT", "default": null}], "language": "PYTHON", "strict": false, '
                '"volatility": "VOLATILE", "execute_as": "OWNER", "body": "…", "returns": "FLOAT", '
                '"table_columns": null, "runtime_version": "3.11", "handler": "f", "packages": ["numpy"], '
                '"imports": [], "name": "F", '
                '"temporary": false, "aggregate": false, "secure": false}'
            ),
            RoutineProps(
                "F",
                (Argument("X", "FLOAT"),),
                "FLOAT",
                language="PYTHON",
                body="…",
                handler="f",
                runtime_version="3.11",
                packages=("numpy",),
            ),
        ),
        (
            MODEL,
            (
                '{"versions": [{"name": "V1", "folder": "f", "created_on": "t", "comment": "", "metadata": "{}", '
                '"aliases": ["A"]}], "default": "V1", "tags": {}}'
            ),
            ModelProps((ModelVersion("V1", "f", "t", aliases=("A",)),), "V1"),
        ),
        (DATABASE, "{}", DatabaseProps()),
        (SCHEMA, '{"transient": true, "log_level": null}', DatabaseProps(transient=True)),
        (
            WAREHOUSE,
            '{"AUTO_SUSPEND": "60", "ANYTHING": ["A"]}',
            RecordedOptions({"AUTO_SUSPEND": "60", "ANYTHING": ["A"]}),
        ),
    ],
)
def test_properties_without_optional_keys_are_read(kind: str, text: str, expected: object) -> None:
    assert read_props(kind, NAME, text) == expected


def test_a_data_directory_of_before_opens(storage: Storage) -> None:
    column = Column("A", "DATE", nullable=False, primary_key=True)
    assert put_json(storage, TABLE, f'{{"columns": [{OLD_COLUMN}]}}').need(TABLE, NAME).props.columns == (column,)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"columns": [], "from_the_future": 1}', "from_the_future: Unexpected keyword argument"),
        (f'{{"columns": [{OLD_COLUMN[:-1]}, "colour": "red"}}]}}', "columns.0.colour: Unexpected keyword argument"),
        ('{"columns": [{"name": "A"}]}', "columns.0.type: Field required"),
    ],
)
def test_properties_that_are_not_understood_are_refused(text: str, fault: str) -> None:
    with pytest.raises(UnreadableObjectError) as refused:
        read_props(TABLE, NAME, text)
    assert "the table D.S.O, which this version" in str(refused.value)
    assert fault in str(refused.value)
    assert "open it with that one" in str(refused.value)


def test_a_statement_on_such_an_object_is_refused_and_everything_else_works(storage: Storage) -> None:
    put(Catalog(storage.cursor()), storage.cursor(), table("OTHER"))
    catalog = put_json(storage, TABLE, '{"from_the_future": 1}')
    assert [o.name.name for o in catalog.all(TABLE)] == ["OTHER"]
    with pytest.raises(SnowflakeError, match=r"the table D\.S\.O, which this version .* cannot read"):
        catalog.relation(NAME)
    with pytest.raises(SnowflakeError, match=r"D\.S cannot be dropped: its table O is out of reach"):
        catalog.refuse_lost("D", "S")


def test_an_object_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(UnreadableObjectError, match=r"the iceberg table D\.S\.O, [^()]*\(its kind is unknown\)"):
        read_props("ICEBERG TABLE", NAME, "{}")


def test_what_could_not_be_read_again_is_not_written(storage: Storage) -> None:
    catalog = Catalog(storage.cursor())
    wrong: Any = ["no column"]
    with pytest.raises(PydanticSerializationError):
        put(catalog, storage.cursor(), Object(TABLE, Name("D", "S", "T"), TableProps(wrong)))
    assert catalog.all(TABLE) == Catalog(storage.cursor()).all(TABLE) == []


def test_objects_do_not_change() -> None:
    with pytest.raises(AttributeError):
        table("T").comment = "another"  # type: ignore[misc]
    assert all(KINDS[kind] is kind for kind in KINDS.values())
