"""Streams against a plain model: random changes and transactions, what the streams show, and what is consumed."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local_snowflake.account import Account
from local_snowflake.errors import SnowflakeError

Row = tuple[int, str]
Step = tuple[Any, ...]
CALM = settings(
    max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

keys = st.integers(1, 4)
texts = st.sampled_from("ab")
changing = st.one_of(
    st.tuples(st.just("insert"), st.lists(st.tuples(keys, texts), min_size=1, max_size=3)),
    st.tuples(st.just("update"), keys, texts),
    st.tuples(st.just("update_from"), keys, texts),
    st.tuples(st.just("delete"), keys),
    st.tuples(st.just("truncate")),
    st.tuples(st.just("merge"), st.dictionaries(keys, texts, min_size=1, max_size=3), keys),
)
steps = st.lists(
    st.one_of(
        changing,
        changing,
        st.tuples(st.just("begin")),
        st.tuples(st.sampled_from(["commit", "rollback"])),
        st.tuples(st.just("consume"), st.sampled_from(["S", "A"])),
        st.tuples(st.just("fail")),
        st.tuples(st.just("check")),
    ),
    max_size=25,
)


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    made = Account(tmp_path_factory.mktemp("streams"))
    yield made
    made.close()


class Client:
    """A session of the account."""

    numbers = itertools.count()

    def __init__(self, account: Account) -> None:
        self._account = account
        self._token = account.sessions.open("test")
        self(f"CREATE DATABASE D{next(self.numbers)}")

    def __call__(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in self._account.execute(self._token, sql).table.to_pylist()]

    def close(self) -> None:
        self._account.sessions.close(self._token)


class Model:
    """A table and its two streams: S shows the net changes, A the inserted rows."""

    def __init__(self) -> None:
        self.numbers = itertools.count()
        self.rows: dict[int, Row] = {}
        self.inserted: list[Row] = []
        self.offsets: dict[str, Any] = {"S": {}, "A": 0}
        self.before: tuple[Any, ...] | None = None

    def apply(self, step: Step) -> None:
        getattr(self, step[0])(*step[1:])

    def insert(self, rows: list[Row]) -> None:
        for row in rows:
            self.rows[next(self.numbers)] = row
            self.inserted.append(row)

    def update(self, key: int, text: str) -> None:
        self.rows = {n: (k, text) if k == key else (k, v) for n, (k, v) in self.rows.items()}

    update_from = update

    def delete(self, key: int) -> None:
        self.rows = {n: row for n, row in self.rows.items() if row[0] != key}

    def truncate(self) -> None:
        self.rows = {}

    def merge(self, source: dict[int, str], deleted: int) -> None:
        present = {k for k, _ in self.rows.values()}
        for key, text in source.items():
            if key not in present:
                self.insert([(key, text)])
            elif key == deleted:
                self.delete(key)
            else:
                self.update(key, text)

    def begin(self) -> None:
        if self.before is None:
            self.before = dict(self.rows), list(self.inserted), dict(self.offsets)

    def commit(self) -> None:
        self.before = None

    def rollback(self) -> None:
        if self.before is not None:
            self.rows, self.inserted, self.offsets = self.before
            self.before = None

    def consume(self, stream: str) -> None:
        rows, inserted, _ = self.before or (self.rows, self.inserted, None)
        self.offsets[stream] = dict(rows) if stream == "S" else len(inserted)

    def shown(self, stream: str) -> Counter[tuple[Any, ...]]:
        rows, inserted, offsets = self.before or (self.rows, self.inserted, self.offsets)
        if stream == "A":
            return Counter((*row, "INSERT", False) for row in inserted[offsets["A"] :])
        first, found = offsets["S"], Counter[tuple[Any, ...]]()
        for number in first.keys() | rows.keys():
            old, new = first.get(number), rows.get(number)
            if old == new:
                continue
            updated = old is not None and new is not None
            if old is not None:
                found[*old, "DELETE", updated] += 1
            if new is not None:
                found[*new, "INSERT", updated] += 1
        return found


def _sql(step: Step, table: str = "T") -> str:
    match step:
        case ("insert", rows):
            return f"INSERT INTO {table} VALUES {', '.join(f'({k}, {v!r})' for k, v in rows)}"
        case ("update", key, text):
            return f"UPDATE {table} SET V = '{text}' WHERE K = {key}"
        case ("update_from", key, text):
            return f"UPDATE {table} SET V = X.V FROM (SELECT {key} AS K, '{text}' AS V) X WHERE {table}.K = X.K"
        case ("delete", key):
            return f"DELETE FROM {table} WHERE K = {key}"
        case ("truncate",):
            return f"TRUNCATE TABLE {table}"
        case ("merge", source, deleted):
            values = " UNION ALL ".join(f"SELECT {k} AS K, '{v}' AS V" for k, v in source.items())
            return (
                f"MERGE INTO {table} USING ({values}) X ON {table}.K = X.K "
                f"WHEN MATCHED AND X.K = {deleted} THEN DELETE "
                "WHEN MATCHED THEN UPDATE SET V = X.V WHEN NOT MATCHED THEN INSERT (K, V) VALUES (X.K, X.V)"
            )
        case ("consume", stream):
            return f"INSERT INTO O SELECT K, V FROM {stream} WHERE FALSE"
        case _:
            return str(step[0]).upper()


def _check(client: Client, model: Model) -> None:
    assert Counter(client("SELECT * FROM T")) == Counter(model.rows.values())
    for stream in ("S", "A"):
        shown = Counter(row[:-1] for row in client(f"SELECT * FROM {stream}"))
        assert shown == model.shown(stream), stream


@CALM
@given(steps=steps)
def test_streams_show_what_the_model_says(account: Account, steps: list[Step]) -> None:
    client, model = Client(account), Model()
    client("CREATE TABLE T (K INT, V STRING)")
    client("CREATE TABLE O (K INT, V STRING)")
    client("CREATE STREAM S ON TABLE T")
    client("CREATE STREAM A ON TABLE T APPEND_ONLY = TRUE")
    for step in [*steps, ("check",), ("rollback",), ("check",)]:
        if step[0] == "check":
            _check(client, model)
        elif step[0] == "fail":
            with pytest.raises(SnowflakeError):
                client("INSERT INTO T SELECT 'no number', 'x'")
        else:
            client(_sql(step))
            model.apply(step)
    for stream in ("S", "A"):
        assert client(f"SELECT SYSTEM$STREAM_HAS_DATA('{stream}')")[0][0] or not model.shown(stream)
    client.close()


sides = st.lists(st.tuples(st.sampled_from("TR"), changing), max_size=12)


@pytest.mark.slow
@CALM
@given(first=sides, second=sides)
def test_a_joins_changes_lead_from_its_old_rows_to_its_new_ones(
    account: Account, first: list[tuple[str, Step]], second: list[tuple[str, Step]]
) -> None:
    client = Client(account)
    client("CREATE TABLE T (K INT, V STRING)")
    client("CREATE TABLE R (K INT, V STRING)")
    client("CREATE TABLE O (N INT)")
    joined = "SELECT T.K, T.V, R.V AS W FROM T JOIN R ON T.K = R.K WHERE R.K <> 3"
    client(f"CREATE VIEW J AS {joined} UNION ALL SELECT K, V, V FROM T")
    client("CREATE STREAM S ON VIEW J")
    for part in (first, second):
        old = Counter(client("SELECT * FROM J"))
        for table, step in part:
            client(_sql(step, table))
        new = Counter(client("SELECT * FROM J"))
        for *row, action, _, _ in client("SELECT * FROM S"):
            old[tuple(row)] += 1 if action == "INSERT" else -1
        assert +old == +new
        assert all(count >= 0 for count in old.values())
        client("INSERT INTO O SELECT COUNT(*) FROM S")
        assert client("SELECT * FROM S") == []
    client.close()
