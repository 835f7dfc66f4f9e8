"""The wheel works on its own: it has the package and nothing else, and its command serves."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PACKAGE = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    build = subprocess.run(command, cwd=PACKAGE, capture_output=True, text=True, check=False)
    assert build.returncode == 0, build.stdout + build.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel


def test_the_wheel_holds_every_module_and_page_and_nothing_else(wheel: Path) -> None:
    source = PACKAGE / "src"
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    files = [path for kind in ("*.py", "*.html") for path in source.rglob(kind)]
    assert packed == {path.relative_to(source).as_posix() for path in files}


def test_its_command_prints_the_options_of_serve(wheel: Path, tmp_path: Path) -> None:
    uv = Path(sys.executable).parent / "uv"
    command = [str(uv), "pip", "install", "--quiet", "--offline", "--no-deps", "--python", sys.executable]
    subprocess.run([*command, "--target", str(tmp_path / "site"), str(wheel)], check=True)
    script = tmp_path / "site" / "bin" / "local-snowflake"
    run = subprocess.run(
        [sys.executable, str(script), "serve", "--help"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert "--data-dir" in run.stdout
