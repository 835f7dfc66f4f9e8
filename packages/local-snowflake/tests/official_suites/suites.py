"""The official libraries' integration tests: which modules run without a cloud, and what they need around them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# what the suites import and this project does not: catalog clients, absltest, names in models, explanations, models,
# and what one model's own package requires; XGBoost as new as scikit-learn wants it (some tests skip themselves then)
PACKAGES = (
    *("snowflake.core", "absl-py", "inflection", "shap", "slicer", "numba", "llvmlite", "python-dateutil"),
    *("xgboost", "cachetools<6"),
)

_SCALA = (
    "dataframe_aggregate_suite dataframe_copy_into dataframe_join_suite dataframe_range_suite dataframe_reader_suite "
    "dataframe_set_operations_suite dataframe_suite dataframe_writer_suite datatype_suite file_operation_suite "
    "function_suite literal_suite permanent_udf_suite query_tag_suite result_attributes_suite result_schema_suite "
    "session_suite snowflake_plan_suite sql_suite table_function_suite table_suite udf_suite udtf_suite "
    "update_delete_merge_suite view_suite window_frame_suite window_spec_suite async_job_suite column_suite "
    "complex_dataframe_suite"
)
_SNOWPARK = (
    "bind_variable column column_names context dataframe datatypes deepcopy df_aggregate df_analytics df_sort "
    "df_to_arrow df_to_pandas files function large_query_breakdown multithreading pandas_to_df query_history "
    "scoped_temp_objects session simplifier_suite sql_literal_escaping stored_procedure table_function "
    "temp_table_cleanup udaf udf udtf"
)
_REGISTRY = (
    "additional_import code_path fully_qualified_name multiple_model random_version_name registry_custom_model "
    "registry_custom_model_with_params registry_initialization registry_lightgbm_model registry_partitioned_model "
    "registry_sklearn_model registry_target_platforms registry_xgboost_model"
)


@dataclass(frozen=True)
class Suite:
    """One library's integration tests.

    Attributes:
        name: what it is called on the command line.
        folder: where its modules are, below the checkout.
        modules: the files that can run without services that only the cloud has.
        options: what pytest is given besides.
    """

    name: str
    folder: str
    modules: tuple[str, ...]
    options: tuple[str, ...] = ()


SNOWPARK = Suite(
    "snowpark",
    "tests/integ",
    (*(f"scala/test_{m}.py" for m in _SCALA.split()), *(f"test_{m}.py" for m in _SNOWPARK.split())),
    # the suite's own setting: some tests look for what was logged
    ("-o", "log_cli_level=DEBUG"),
)
# a model is tested from the client; the same tests inside a procedure need packages from Anaconda's channel
ML = Suite(
    "ml",
    "tests/integ/snowflake/ml/registry/model",
    tuple(f"{m}_test.py" for m in _REGISTRY.split()),
    ("-k", "not owner and not caller"),
)


def copy_suite(suite: Suite, checkout: Path, work: Path, connection: dict[str, Any]) -> None:
    """Copy a checkout's tests to a folder that may be written to, with the connection where the tests look for it.

    Args:
        suite: the suite.
        checkout: the user's checkout, which stays as it is.
        work: the folder; only the tests come there, so that the installed library is tested.
        connection: arguments for the connector.

    Raises:
        FileNotFoundError: if the checkout holds no such suite.
    """
    if not (checkout / suite.folder).is_dir():
        raise FileNotFoundError(f"{checkout} holds no {suite.folder}: it is no checkout of the {suite.name} library")
    shutil.copytree(checkout / "tests", work / "tests", dirs_exist_ok=True)
    (work / "tests" / "parameters.py").write_text(f"CONNECTION_PARAMETERS = {connection!r}\n")
    # no settings of the suites: theirs ask for plugins and for cloud accounts
    (work / "pytest.ini").write_text("[pytest]\n")


def environment(work: Path, packages: Path, connection: dict[str, Any]) -> dict[str, str]:
    """The environment variables of a suite's process: its own modules first, and the connection."""
    names = {key: f"SNOWFLAKE_{key.upper()}" for key in connection}
    given = {names[k]: str(v) for k, v in connection.items() if isinstance(v, (str, int))}
    return os.environ | {"PYTHONPATH": f"{work}{os.pathsep}{packages}"} | given


def install_packages(target: Path) -> Path:
    """Install what the suites import in addition to the project's environment, once; returns the folder.

    Args:
        target: the folder for them.
    """
    if not target.exists():
        uv = Path(sys.executable).with_name("uv")
        command = [str(uv), "pip", "install", "--quiet", "--python", sys.executable, "--no-deps"]
        subprocess.run([*command, "--target", str(target), *PACKAGES], check=True)
    return target
