"""The model registry: the numbered semantics R1 - R7, through the unmodified client and in SQL."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from snowflake.ml.registry import Registry
from snowflake.snowpark import Session
from snowflake.snowpark.exceptions import SnowparkSQLException
from tests.conformance.marks import deviates, refused

DATABASE = "C_REGISTRY"


class Account:
    """A session, the client's registry in it, and models that are quickly made."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.registry = Registry(session, database_name=DATABASE, schema_name="PUBLIC")
        rng = np.random.default_rng(7)
        self.rows = pd.DataFrame({"A": rng.normal(size=50), "B": rng.normal(size=50)})
        self.label = (self.rows.A > self.rows.B).astype(int)

    def __call__(self, sql: str) -> list[dict[str, Any]]:
        return [{k.strip('"'): v for k, v in row.as_dict().items()} for row in self.session.sql(sql).collect()]

    def refusal(self, sql: str) -> str:
        with pytest.raises(SnowparkSQLException) as caught:
            self(sql)
        return str(caught.value.message)

    def fit(self, slope: float = 1.0) -> LinearRegression:
        return LinearRegression().fit(self.rows, self.rows.A * slope)

    def log(self, model: str, version: str | None = None, slope: float = 1.0, **options: Any) -> Any:
        return self.registry.log_model(
            self.fit(slope),
            model_name=model,
            version_name=version,
            sample_input_data=self.rows.head(5),
            target_platforms=["WAREHOUSE"],
            **options,
        )

    def versions(self, model: str) -> dict[str, dict[str, Any]]:
        return {row["name"]: row for row in self(f"SHOW VERSIONS IN MODEL {model}")}

    def slope(self, model: str) -> float:
        """What the model (and version) gives for A = 1: the slope that it was made with."""
        return round(float(self(f"SELECT {model}!PREDICT(1, 0):output_feature_0::FLOAT AS P")[0]["P"]), 6)


@pytest.fixture(scope="module")
def account(snowflake_connection: dict[str, Any]) -> Iterator[Account]:
    warnings.filterwarnings("ignore")
    session = Session.builder.configs(snowflake_connection).create()
    for statement in (f"CREATE OR REPLACE DATABASE {DATABASE}", f"USE SCHEMA {DATABASE}.PUBLIC"):
        session.sql(statement).collect()
    yield Account(session)
    session.sql(f"DROP DATABASE IF EXISTS {DATABASE}").collect()
    session.close()


def test_r1_model_and_version_are_unique(account: Account):
    """A model is a schema's object; a version's name is there once in it; without a name the client makes one."""
    account.log("R1", "V1")
    with pytest.raises(ValueError, match=r"Model R1 version V1 already existed\. To auto-generate"):
        account.log("R1", "V1")
    name = account.log("R1").version_name
    assert set(account.versions("R1")) == {"V1", name}
    assert [m["name"] for m in account("SHOW MODELS LIKE 'R1' IN SCHEMA C_REGISTRY.PUBLIC")] == ["R1"]
    assert "already exists" in account.refusal("ALTER MODEL R1 ADD VERSION V1 FROM MODEL R1 VERSION V1")
    assert "already exists" in account.refusal("CREATE MODEL R1 WITH VERSION X FROM MODEL R1 VERSION V1")


def test_r2_versions_are_immutable_and_copied(account: Account):
    """A version's files never change; comment, metadata, alias and tag may; SQL makes versions only by copying."""
    version = account.log("R2", "V1", slope=3.0, metrics={"rmse": 0.5}, comment="first")
    version.set_metric("mae", {"on": "holdout", "value": 1})
    version.comment = "better"
    account("ALTER MODEL R2 SET COMMENT = 'a model'")
    account("CREATE SCHEMA IF NOT EXISTS C_REGISTRY.OTHER")
    account("USE SCHEMA C_REGISTRY.PUBLIC")
    account("CREATE MODEL C_REGISTRY.OTHER.COPIED WITH VERSION GOOD FROM MODEL R2 VERSION V1")
    account.log("R2", "V2", slope=5.0)
    account("ALTER MODEL C_REGISTRY.OTHER.COPIED ADD VERSION DEFAULT_OF_SOURCE FROM MODEL R2")
    copied = account.versions("C_REGISTRY.OTHER.COPIED")
    assert account.slope("MODEL(C_REGISTRY.OTHER.COPIED, GOOD)") == 3.0
    assert account.slope("MODEL(C_REGISTRY.OTHER.COPIED, DEFAULT_OF_SOURCE)") == 3.0
    assert json.loads(copied["GOOD"]["metadata"])["metrics"] == version.show_metrics()
    assert version.show_metrics() == {"rmse": 0.5, "mae": {"on": "holdout", "value": 1}}
    assert account.versions("R2")["V1"]["comment"] == "better"
    account("DROP MODEL R2")
    assert account.slope("MODEL(C_REGISTRY.OTHER.COPIED, GOOD)") == 3.0


@refused("files of a version cannot be written")
def test_r2_files_of_a_version(account: Account, tmp_path: Path):
    """Nothing is put into or removed from a version's files."""
    account.log("R2F", "V1")
    (tmp_path / "x.txt").write_text("x")
    location = "snow://model/C_REGISTRY.PUBLIC.R2F/versions/V1/"
    assert any(row["name"].endswith("MANIFEST.yml") for row in account(f"LIST '{location}'"))
    with pytest.raises(Exception, match=r"(?i)read.?only|not supported|unsupported|cannot"):
        account.session.file.put(str(tmp_path / "x.txt"), location)
    assert not any(row["name"].endswith("x.txt") for row in account(f"LIST '{location}'"))


def test_r3_system_aliases_and_look_up(account: Account):
    """DEFAULT, FIRST and LAST by creation; an alias is looked up before a version's name."""
    for i, name in enumerate(("ONE", "TWO", "THREE"), 1):
        account.log("R3", name, slope=float(i))
    account("ALTER MODEL R3 SET DEFAULT_VERSION = TWO")
    assert [account.slope(f"MODEL(R3, {alias})") for alias in ("FIRST", "DEFAULT", "LAST")] == [1.0, 2.0, 3.0]
    assert account.slope("MODEL(R3)") == 2.0
    model = account.registry.get_model("R3")
    assert [v.version_name for v in (model.first(), model.default, model.last())] == ["ONE", "TWO", "THREE"]
    account("ALTER MODEL R3 VERSION THREE SET ALIAS = CHAMPION")
    assert model.version("champion").version_name == "THREE"
    assert account.slope("MODEL(R3, champion)") == 3.0
    assert sorted(json.loads(account.versions("R3")["THREE"]["aliases"])) == ["CHAMPION", "LAST"]
    with pytest.raises(ValueError, match="Unable to find version or alias with name"):
        model.version("NONE")


def test_r4_default_version_stays(account: Account):
    """The default version cannot be dropped; rollback is to set another default."""
    account.log("R4", "V1", slope=1.0)
    account.log("R4", "V2", slope=2.0)
    account("ALTER MODEL R4 SET DEFAULT_VERSION = V2")
    assert "default" in account.refusal("ALTER MODEL R4 DROP VERSION V2").lower()
    account("ALTER MODEL R4 SET DEFAULT_VERSION = V1")
    assert account.slope("MODEL(R4)") == 1.0
    account("ALTER MODEL R4 DROP VERSION V2")
    assert list(account.versions("R4")) == ["V1"]
    assert "default" in account.refusal("ALTER MODEL R4 DROP VERSION V1").lower()
    account("DROP MODEL R4")
    assert "does not exist" in account.refusal("SHOW VERSIONS IN MODEL R4")


def test_r5_an_alias_means_one_version(account: Account):
    """SET ALIAS moves an alias that another version has; UNSET ALIAS takes it away."""
    account.log("R5", "V1", slope=1.0)
    account.log("R5", "V2", slope=2.0)
    account("ALTER MODEL R5 VERSION V1 SET ALIAS = CHAMPION")
    account("ALTER MODEL R5 VERSION V2 SET ALIAS = CHAMPION")
    assert account.slope("MODEL(R5, CHAMPION)") == 2.0
    assert json.loads(account.versions("R5")["V1"]["aliases"]) == ["DEFAULT", "FIRST"]
    account("ALTER MODEL R5 VERSION CHAMPION UNSET ALIAS")
    assert "does not exist" in account.refusal("SELECT MODEL(R5, CHAMPION)!PREDICT(1, 0)")


def test_r5_a_version_has_at_most_one_alias(account: Account):
    """A version has at most one alias: a second one is refused until UNSET ALIAS has taken the first away."""
    account.log("R5M", "V1", slope=1.0)
    account.log("R5M", "V2", slope=2.0)
    account("ALTER MODEL R5M VERSION V1 SET ALIAS = CHAMPION")
    account("ALTER MODEL R5M VERSION V2 SET ALIAS = CHALLENGER")
    account("ALTER MODEL R5M VERSION V2 SET ALIAS = CHALLENGER")
    assert "at most one alias" in account.refusal("ALTER MODEL R5M VERSION V2 SET ALIAS = CHAMPION")
    assert account.slope("MODEL(R5M, CHAMPION)") == 1.0
    assert account.slope("MODEL(R5M, CHALLENGER)") == 2.0
    for version in ("V2", "V1"):
        account(f"ALTER MODEL R5M VERSION {version} UNSET ALIAS")
    account("ALTER MODEL R5M VERSION V2 SET ALIAS = CHAMPION")
    assert account.slope("MODEL(R5M, CHAMPION)") == 2.0


@deviates("a version's OBJECT is printed as JSON in one line")
def test_r6_inference_in_sql(account: Account):
    """A WITH names a model's version; the result is an OBJECT of the signature's fields; run() does the same."""
    model = LogisticRegression().fit(account.rows, account.label)
    version = account.registry.log_model(
        model, model_name="R6", version_name="V1", sample_input_data=account.rows, target_platforms=["WAREHOUSE"]
    )
    account.session.create_dataframe(account.rows.to_numpy().tolist(), ["A", "B"]).write.save_as_table("R6_ROWS")
    expected = model.predict_proba(account.rows)
    sql = """
        WITH mv AS MODEL C_REGISTRY.PUBLIC.R6 VERSION V1
        SELECT mv!PREDICT_PROBA(A, B):output_feature_1::FLOAT AS P, mv!PREDICT_PROBA(A, B) AS O, A, B FROM R6_ROWS"""
    found = account(sql)
    assert sorted(r["P"] for r in found) == pytest.approx(sorted(expected[:, 1]), rel=1e-12)
    objects = sorted(json.loads(r["O"])["output_feature_0"] for r in found)
    assert objects == pytest.approx(sorted(expected[:, 0]), rel=1e-12)
    assert version.run(account.rows, function_name="predict_proba").to_numpy() == pytest.approx(expected, rel=1e-12)
    found_frame = version.run(account.session.table("R6_ROWS"), function_name="predict").to_pandas()
    assert found_frame["output_feature_0"].tolist() == model.predict(found_frame[["A", "B"]]).tolist()


def test_r7_names_only_when_a_version_is_copied(account: Account):
    """log_model of a version copies it and takes names only; platforms are shown; explain is off unless asked for."""
    version = account.log("R7", "V1")
    copied = account.registry.log_model(version, model_name="R7_COPY", version_name="V9")
    assert copied.version_name == "V9"
    assert json.loads(account.versions("R7_COPY")["V9"]["runnable_in"]) == ["WAREHOUSE"]
    assert [f["name"] for f in version.show_functions()] == ["PREDICT"]
    with pytest.raises(ValueError, match="only model_name and version_name may be specified"):
        account.registry.log_model(version, model_name="R7_COPY", version_name="V10", metrics={"a": 1}, comment="x")
