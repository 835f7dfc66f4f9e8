"""SQLAlchemy with snowflake-sqlalchemy, and pandas on it, unmodified: https://docs.snowflake.com/en/developer-guide/python-connector/sqlalchemy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.clients.environments import environment, run_client

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

_SCRIPT = """
import datetime as dt, json, sys
import pandas as pd
from snowflake.sqlalchemy import URL
from sqlalchemy import (Boolean, Column, DateTime, Float, ForeignKey, Identity, Integer, MetaData, Numeric, String,
                        Table, create_engine, inspect, select, text)
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

known = json.loads(sys.stdin.read())
address = {k: known[k] for k in ("account", "user", "password", "host", "port")}
options = {"protocol": known["protocol"]}
with create_engine(URL(**address), connect_args=options).begin() as connection:
    connection.execute(text("CREATE OR REPLACE DATABASE T_SQLALCHEMY"))
engine = create_engine(URL(**address, database="T_SQLALCHEMY", schema="PUBLIC"), connect_args=options)
found = {}

tables = MetaData()
parents = Table("parents", tables, Column("id", Integer, primary_key=True), Column("name", String(20), unique=True))
kids = Table("kids", tables, Column("id", Integer, Identity(), primary_key=True),
             Column("parent", Integer, ForeignKey("parents.id")), Column("at", DateTime), Column("p", Numeric(10, 2)),
             Column("b", Boolean), Column("f", Float))
tables.create_all(engine)
with engine.begin() as connection:
    connection.execute(parents.insert(), [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}])
    connection.execute(kids.insert(), [{"parent": 1, "at": dt.datetime(2024, 1, 1, 10), "p": 1.5, "b": True, "f": 2.5}])
    query = select(parents.c.name, kids.c.p, kids.c.at).join(kids, kids.c.parent == parents.c.id)
    found["joined"] = [[str(value) for value in row] for row in connection.execute(query)]
    connection.execute(text("CREATE VIEW v AS SELECT id FROM parents"))

looked = inspect(engine)
found["tables"], found["views"] = sorted(looked.get_table_names()), looked.get_view_names()
found["columns"] = [column["name"] for column in looked.get_columns("kids")]
found["primary"] = looked.get_pk_constraint("parents")["constrained_columns"]
found["unique"] = [key["column_names"] for key in looked.get_unique_constraints("parents")]
found["foreign"] = [[key["constrained_columns"], key["referred_table"], key["referred_columns"]]
                    for key in looked.get_foreign_keys("kids")]
reflected = MetaData()
reflected.reflect(engine)
found["reflected"] = {name: [str(column.type) for column in table.columns] for name, table in reflected.tables.items()}

frame = pd.DataFrame({"id": [1, 2, 3], "name": ["x", "y", None], "v": [1.5, 2.5, 3.5]})
frame.to_sql("frame", engine, index=False)
frame.to_sql("frame", engine, index=False, if_exists="replace")
frame.to_sql("frame", engine, index=False, if_exists="append", method="multi")
back = pd.read_sql_table("frame", engine)
found["frame"] = [*back.shape, float(back["v"].sum()), int(back["name"].isna().sum())]
found["counted"] = int(pd.read_sql("SELECT COUNT(*) AS n FROM frame", engine)["n"][0])

class Base(DeclarativeBase):
    pass

class Person(Base):
    __tablename__ = "people"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]

Base.metadata.create_all(engine)
with Session(engine) as session:
    session.add_all([Person(id=1, name="q"), Person(id=2, name="w")])
    session.commit()
    session.get(Person, 1).name = "z"
    session.delete(session.get(Person, 2))
    session.commit()
    found["people"] = [person.name for person in session.scalars(select(Person))]
tables.drop_all(engine)
found["left"] = sorted(inspect(engine).get_table_names())
print(json.dumps(found))
"""


def test_tables_are_made_reflected_and_read_by_pandas(tmp_path: Path, snowflake_connection: dict[str, Any]) -> None:
    python = environment("snowflake-sqlalchemy", "pandas") / "python"
    ran = run_client([str(python), "-W", "ignore", "-c", _SCRIPT], tmp_path, json.dumps(snowflake_connection))
    assert ran.returncode == 0, ran.stderr[-3000:]
    found = json.loads(ran.stdout.splitlines()[-1])
    assert found["joined"] == [["a", "1.50", "2024-01-01 10:00:00"]]
    assert (found["tables"], found["views"]) == (["kids", "parents"], ["v"])
    assert found["columns"] == ["id", "parent", "at", "p", "b", "f"]
    assert (found["primary"], found["unique"], found["foreign"]) == (
        ["id"],
        [["name"]],
        [[["parent"], "parents", ["id"]]],
    )
    assert found["reflected"]["kids"][-3:] == ["DECIMAL(10, 2)", "BOOLEAN", "FLOAT"]
    assert found["frame"] == [6, 3, 15.0, 2]
    assert (found["counted"], found["people"], found["left"]) == (6, ["z"], ["frame", "people"])
