"""The catalog: changes that run side by side, and when one of them has to begin again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from local_snowflake.catalog import catalog as catalog_module
from local_snowflake.catalog.catalog import Catalog, Object
from local_snowflake.catalog.storage import Storage
from local_snowflake.errors import CatalogChangedError
from local_snowflake.sql.names import Name


def table(name: str, schema: str = "S", kind: str = "TABLE") -> Object:
    return Object(kind, Name("D", schema, name))


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
        (table("T", kind="VIEW"), True),
        (Object("SCHEMA", Name("D", "", "S")), True),
        (Object("DATABASE", Name("", "", "D")), True),
        (table("T", kind="STAGE"), False),
        (table("U"), False),
        (table("T", schema="S2"), False),
    ],
)
def test_a_change_begins_anew_if_what_it_concerns_was_changed(storage: Storage, other: Object, refused: bool) -> None:
    catalog = Catalog(storage.cursor())
    begun = catalog.version
    put(catalog, storage.cursor(), other)
    mine = table("T")
    mine.comment = "mine"
    if refused:
        with pytest.raises(CatalogChangedError):
            put(catalog, storage.cursor(), mine, since=begun)
    else:
        put(catalog, storage.cursor(), mine, since=begun)
        assert catalog.need("TABLE", mine.name).comment == "mine"
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
    put(catalog, storage.cursor(), table("ROOT", kind="TASK"))
    with pytest.raises(CatalogChangedError):
        put(catalog, storage.cursor(), table("CHILD", kind="TASK"), since=begun)
    put(catalog, storage.cursor(), table("CHILD", schema="S2", kind="TASK"), since=begun)


def test_a_change_that_relies_on_a_whole_schema(storage: Storage) -> None:
    catalog = Catalog(storage.cursor())
    begun = catalog.version
    put(catalog, storage.cursor(), table("T", schema="S2"))
    with catalog.change(storage.cursor(), begun) as change:
        change.rely_on_all("D", "S")
    with pytest.raises(CatalogChangedError), catalog.change(storage.cursor(), begun) as change:
        change.rely_on_all("D")


def test_a_change_that_is_older_than_what_is_known_begins_anew(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog_module, "_COMMITS_KNOWN", 2)
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
