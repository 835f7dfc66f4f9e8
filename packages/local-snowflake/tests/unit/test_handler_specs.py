"""Python handlers: when a process can be reused, and how a handler is found and called in it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from local_snowflake.python.handler_spec import HandlerSpec, folder_imports
from local_snowflake.python.sandbox import modules
from local_snowflake.python.sandbox.functions import evaluate_scalar
from local_snowflake.sql.types import parse_type


def spec(**changes: Any) -> HandlerSpec:
    return HandlerSpec(**{"name": "F", "handler": "run", "code": "def run(): pass", **changes})


def test_a_process_is_reused_for_the_same_code_imports_and_packages(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text("x = 1")
    imported = spec(imports={"a.py": file})
    assert spec().key == spec(name="G", handler="other", inputs=(("A", parse_type("INT")),)).key
    assert len({spec().key, spec(code="def run(): return 1").key, spec(packages=("numpy",)).key, imported.key}) == 4
    assert spec(packages=("a", "b")).key == spec(packages=("b", "a")).key
    os.utime(file, ns=(1, 1))
    assert spec(imports={"a.py": file}).key != imported.key


def test_the_header_of_a_call_names_types() -> None:
    call = spec(inputs=(("A", parse_type("NUMBER(10,2)")),), outputs=(("RESULT", parse_type("VARCHAR")),)).header()
    assert (call["handler"], call["kind"], call["strict"]) == ("run", "scalar", False)
    assert call["inputs"] == [("A", ("NUMBER", 10, 2))]


def test_the_files_of_a_folder_are_imports(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "a.py").touch()
    assert folder_imports(tmp_path) == {"a.py": tmp_path / "a.py", "b": tmp_path / "b"}


@pytest.fixture
def imports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "modules", {k: v for k, v in sys.modules.items() if k != modules.INLINE_MODULE})
    return tmp_path


def test_a_handler_is_in_the_inline_code_or_in_a_module(imports: Path) -> None:
    (imports / "helper_of_test.py").write_text("class Box:\n    def run(self): return 2\n")
    modules.prepare(str(imports), "def run(): return 1")
    assert modules.find_handler("run")() == 1
    assert modules.find_handler("helper_of_test.Box")().run() == 2
    with pytest.raises(ModuleNotFoundError, match="handler 'nope' was not found in the inline code"):
        modules.find_handler("nope")
    with pytest.raises(AttributeError):
        modules.find_handler("helper_of_test.nope")


def call(kind: str, result: str, **more: Any) -> dict[str, Any]:
    types = [(t.name, t.precision, t.scale) for t in (parse_type(kind), parse_type(result))]
    return {"inputs": [("A", types[0])], "outputs": [("RESULT", types[1])], "strict": False, "count": 2, **more}


def test_a_function_is_called_for_each_row() -> None:
    batch = pa.table({"A": [1, None]})
    result = evaluate_scalar(str, call("INT", "VARCHAR"), batch)
    assert result.column("RESULT").to_pylist() == ["1", "None"]
    strict = evaluate_scalar(str, call("INT", "VARCHAR", strict=True), batch)
    assert strict.column("RESULT").to_pylist() == ["1", None]


def test_a_vectorized_function_gets_frames_of_at_most_its_batch_size() -> None:
    import pandas as pd

    sizes: list[int] = []

    def double(frame: pd.DataFrame) -> pd.Series:
        sizes.append(len(frame))
        return frame[0] * 2

    decorate = modules.snowflake_module().vectorized
    handler = decorate(input=pd.DataFrame, max_batch_size=2)(double)
    result = evaluate_scalar(handler, call("INT", "INT"), pa.table({"A": [1, 2, 3]}))
    assert (result.column("RESULT").to_pylist(), sizes) == ([2, 4, 6], [2, 1])


def test_one_value_of_a_vectorized_function_stands_for_its_batch() -> None:
    import pandas as pd

    decorate = modules.snowflake_module().vectorized
    of_batch = decorate(input=pd.DataFrame, max_batch_size=2)(lambda frame: pd.Series([len(frame)]))
    result = evaluate_scalar(of_batch, call("INT", "INT"), pa.table({"A": [1, 2, 3]}))
    assert result.column("RESULT").to_pylist() == [2, 2, 1]
    none_given = {**call("INT", "INT"), "inputs": [], "count": 3}
    result = evaluate_scalar(decorate(input=pd.DataFrame)(lambda _: pd.Series([7])), none_given, pa.table({}))
    assert result.column("RESULT").to_pylist() == [7, 7, 7]
    two = decorate(input=pd.DataFrame)(lambda _: pd.Series([1, 2]))
    with pytest.raises(ValueError, match="returned 2 results for a batch of 3 rows"):
        evaluate_scalar(two, call("INT", "INT"), pa.table({"A": [1, 2, 3]}))


@pytest.mark.parametrize(
    ("kind", "values", "dtype"),
    [
        ("INT", [1, 4096], "int16"),
        ("INT", [1, 1048576], "int32"),
        ("INT", [1, 8589934592], "int64"),
        ("INT", [1, None], "Int16"),
        ("INT", [2**40, None], "Int64"),
        ("BOOLEAN", [True, False], "boolean"),
        ("BOOLEAN", [True, None], "boolean"),
    ],
)
def test_what_a_vectorized_function_gets(kind: str, values: list[Any], dtype: str) -> None:
    import pandas as pd

    handler = modules.snowflake_module().vectorized(input=pd.DataFrame)(lambda frame: [str(frame[0].dtype)])
    result = evaluate_scalar(handler, call(kind, "VARCHAR"), pa.table({"A": values}))
    assert result.column("RESULT").to_pylist() == [dtype, dtype]
