"""First declarations of compressed CSV, Parquet and JSON lines: those of the CSV file with the same rows."""

import gzip
import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from snowloop.lifecycle.data.files import check_files, plan_files
from snowloop.project import Project
from tests.support.first_files import made


def frame(count: int = 120) -> pd.DataFrame:
    numbers = range(count)
    return pd.DataFrame({
        "customerID": [f"{n * 7919 % 9973:04}-AB" for n in numbers],
        "tenure": [n % 70 for n in numbers],
        "monthly charge": [None if n % 40 == 3 else n * 1.5 + 0.25 for n in numbers],
        "plan": [("basic", "plus", None)[n % 3] for n in numbers],
        "active": [n % 2 == 0 for n in numbers],
        "since": [pd.Timestamp("2024-01-01") + pd.Timedelta(hours=n) for n in numbers],
        "churn": [int(n % 3 == 0) for n in numbers],
    })  # fmt: skip


def declared(folder: Path, file: Path) -> tuple[str, Project]:
    written, project = made(folder, file)
    check_files(project, folder)
    work = folder / "work"
    work.mkdir()
    planned = plan_files(project, folder, work)
    assert sum(each.rows for each in planned) == len(frame())
    assert not [record for each in planned for record in each.malformed]
    return written.text(), project


@pytest.mark.parametrize("kind", ["csv.gz", "csv.zst", "parquet", "jsonl", "jsonl.gz"])
def test_the_declaration_is_that_of_the_csv_file(tmp_path: Path, kind: str):
    folders = {name: tmp_path / name for name in ("plain", "other")}
    for folder in folders.values():
        folder.mkdir()
    frame().to_csv(folders["plain"] / "a.csv", index=False)
    _, plain = declared(folders["plain"], folders["plain"] / "a.csv")
    file = folders["other"] / f"a.{kind}"
    text = (folders["plain"] / "a.csv").read_bytes()
    rows = [{k: None if pd.isna(v) else v for k, v in row.items()} for row in frame().to_dict("records")]
    lines = "".join(json.dumps(row, default=str) + "\n" for row in rows).encode()
    {
        "csv.gz": lambda: file.write_bytes(gzip.compress(text)),
        "csv.zst": lambda: file.write_bytes(pa.compress(text, codec="zstd", asbytes=True)),
        "parquet": lambda: frame().to_parquet(file),
        "jsonl": lambda: file.write_bytes(lines),
        "jsonl.gz": lambda: file.write_bytes(gzip.compress(lines)),
    }[kind]()
    said, other = declared(folders["other"], file)
    assert other.streamed.format == {"parquet": "parquet", "jsonl": "json"}.get(kind.removesuffix(".gz"), "csv")
    assert (other.key, other.label) == (plain.key, plain.label) == (("CUSTOMERID",), plain.label)
    assert other.streamed.columns == plain.streamed.columns
    assert f"120 rows, 7 columns, {'delimiter' if 'csv' in kind else other.streamed.format}" in said
    assert other.text("features.sql") == plain.text("features.sql")


def test_lines_of_json_that_are_no_objects_are_reported(tmp_path: Path):
    rows = [{"id": f"k{n}", "x": n / 7, "target": n % 2} for n in range(60)]
    lines = [json.dumps(row) for row in rows]
    (tmp_path / "a.json").write_text("\n".join([*lines[:30], "{broken", *lines[30:]]))
    written, project = made(tmp_path, tmp_path / "a.json")
    assert project.key == ("ID",)
    assert "rejects  1 rows" in written.text()
    assert ": 31" in written.text()
