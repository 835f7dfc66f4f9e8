"""From a CSV file to scored rows: `snowloop new`, two edited lines, and one run of the DAG."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.commandline import REPOSITORY, Ran, environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

EDITS = {"at_least: 0.6,": "at_least: 0.9,", "max_single_feature: 0.9}": "max_single_feature: 0.99}"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The 178 wines of three growers as scikit-learn ships them: in the order of their label, without a key."""
    from sklearn.datasets import load_wine

    folder = tmp_path_factory.mktemp("wine")
    (folder / "data").mkdir()
    load_wine(as_frame=True).frame.to_csv(folder / "data" / "wine.csv", index=False)
    return folder


def snowloop(*arguments: str) -> Ran:
    command = [sys.executable, "-m", "snowloop.cli.main", *arguments]
    ended = subprocess.run(command, cwd=REPOSITORY, env=environment(), capture_output=True, text=True, check=False)
    return Ran(ended.returncode, ended.stdout, ended.stderr)


def test_a_file_reaches_scored_rows_with_two_edited_lines_and_one_run(stack, folder, monkeypatch):
    projects, data = folder / "projects", folder / "data"
    ran = snowloop("new", "wine", "--from", str(data / "wine.csv"), "--dir", str(projects))
    assert ran.code == 0, ran.err

    declaration = projects / "wine" / "project.yaml"
    lines = declaration.read_text().splitlines()
    looked = [int(line.rsplit(":", 1)[1]) for line in ran.out.splitlines() if line.startswith(f"  {declaration}:")]
    for old, new in EDITS.items():
        (number,) = (each for each in looked if old in lines[each - 1])
        lines[number - 1] = lines[number - 1].replace(old, new)
    declaration.write_text("\n".join(lines) + "\n")

    monkeypatch.setenv("SNOWLOOP_PROJECTS", str(projects))
    ran = stack("run", "--project", "wine", "--data", str(data))
    assert ran.code == 0, ran.out + ran.err
    assert ran.figures("reconcile") == {"arrived": "36", "scored": "36", "quarantined": "0", "pending": "0"}
    scored = stack.query(
        "SELECT COUNT(*), COUNT(DISTINCT S.ROW_ID), COUNT_IF(S.PREDICTION = W.TARGET::VARCHAR) "
        "FROM WINE_DEV.SERVING.SCORED AS S JOIN WINE_DEV.RAW.WINE AS W ON W.ROW_ID = S.ROW_ID"
    )
    (rows, keys, right) = scored[0]
    assert (rows, keys) == (36, 36)
    assert right >= 32
