"""CSV files that a first declaration is made of, and what comes of them."""

import csv
from collections.abc import Sequence
from pathlib import Path

import pytest

from snowloop.errors import NewProjectError
from snowloop.new import NewProject, new_project
from snowloop.project import Project, load_project

PLANS = ("basic", "plus", "pro")


def customers(count: int = 100) -> list[list[str]]:
    """Rows of every type, with a key and a label of two classes."""
    return [
        [
            f"{7000 - 3 * number:05}",
            str(20 + number % 50),
            f"{number / 7:.3f}",
            PLANS[number % 3],
            "" if number % 9 == 0 else f"town {number % 4}",
            str(number % 2 == 0),
            f"2024-03-{1 + number % 28:02}",
            f"2024-03-01 10:{number % 60:02}:00",
            "yes" if number % 5 == 0 else "no",
        ]
        for number in range(count)
    ]


HEADER = ["zip", "age", "fee (EUR)", "plan", "order", "member", "joined", "seen", "left"]


def write(file: Path, rows: Sequence[Sequence[str]], header: Sequence[str] = HEADER, delimiter: str = ",") -> Path:
    with file.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out, delimiter=delimiter).writerows([header, *rows])
    return file


def made(tmp_path: Path, file: Path, **options: object) -> tuple[NewProject, Project]:
    written = new_project("churn", file, folder=tmp_path / "projects", **options)  # type: ignore[arg-type]
    return written, load_project("churn", tmp_path / "projects")


def refusal(tmp_path: Path, file: Path, name: str = "churn", **options: object) -> str:
    with pytest.raises(NewProjectError) as caught:
        new_project(name, file, folder=tmp_path / "projects", **options)  # type: ignore[arg-type]
    assert not list((tmp_path / "projects").glob("churn*"))
    return str(caught.value)


def column(project: Project, name: str) -> dict[str, object]:
    return project.streamed.columns[name].model_dump(exclude_defaults=True)
