"""The files of a model version: which packages a model may need."""

from pathlib import Path

import pytest
import yaml

from local_snowflake.errors import SnowflakeError
from local_snowflake.models.manifest import check_new_package


def _write(folder: Path, package: str, platforms: list[str]) -> None:
    method = {
        "name": "PREDICT",
        "handler": "functions.predict.infer",
        "type": "FUNCTION",
        "inputs": [{"name": "A", "type": "DOUBLE"}],
        "outputs": [{"type": "OBJECT"}],
    }
    runtime = {"dependencies": {"conda": "env/conda.yml"}, "language": "PYTHON"}
    manifest = {"methods": [method], "runtimes": {"python_runtime": runtime}, "target_platforms": platforms}
    (folder / "MANIFEST.yml").write_text(yaml.safe_dump(manifest))
    (folder / "env").mkdir()
    (folder / "env" / "conda.yml").write_text(yaml.safe_dump({"dependencies": ["python==3.11.*", package]}))


def test_a_warehouse_takes_no_packages_of_other_channels(tmp_path: Path) -> None:
    _write(tmp_path, "conda-forge::prophet<2,>=1.1", ["WAREHOUSE"])
    with pytest.raises(SnowflakeError, match="conda-forge::prophet"):
        check_new_package(tmp_path)


@pytest.mark.parametrize(
    ("package", "platforms"),
    [
        ("prophet<2,>=1.1", ["WAREHOUSE"]),
        ("https://repo.anaconda.com/pkgs/snowflake::prophet", ["WAREHOUSE"]),
        ("conda-forge::prophet", ["SNOWPARK_CONTAINER_SERVICES"]),
        ("conda-forge::prophet", []),
    ],
)
def test_other_models_may_need_them(tmp_path: Path, package: str, platforms: list[str]) -> None:
    _write(tmp_path, package, platforms)
    check_new_package(tmp_path)
