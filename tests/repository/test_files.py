"""Every file of the repository keeps the house rules that no linter knows."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from tests.repository.checkout import ROOT, files

MAX_LINES = 400
MAX_MODULES = 15
PRODUCT = ("plugins/*.py", "packages/local-snowflake/src/*.py", "stack/*.py", "dags/*.py", "benchmarks/*.py")
ONE_PERSONS_MACHINE = re.compile(r"(?<![\w.:/])/(?:home|Users)/(?!snowloop\b)\w+")
SECRET = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\n[A-Za-z0-9+/]{40}|AKIA[0-9A-Z]{16}|ghp_[A-Za-z0-9]{36}")
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
DATA = (".csv", ".parquet", ".png", ".ico")


def test_no_source_file_is_too_long() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in files("*.py", "*.sql", "*.sh", "Makefile", "*.yaml", "*.yml")
        if "snapshots" not in path.parts  # what a deployment sends is written by nobody
        if (lines := len(path.read_text().splitlines())) > MAX_LINES
    }

    assert long == {}, "look for a second purpose in each"


def test_no_folder_has_too_many_modules() -> None:
    modules = Counter(path.parent for path in files(*PRODUCT) if path.name != "__init__.py")
    full = {str(folder.relative_to(ROOT)): count for folder, count in modules.items() if count > MAX_MODULES}

    assert len(modules) > 20
    assert full == {}, "make a room in each, named after the concept that its modules share"


def test_every_link_of_a_document_leads_somewhere() -> None:
    dead = [
        f"{document.relative_to(ROOT)}: {link}"
        for document in files("*.md")
        for link in LINK.findall(document.read_text())
        if not (document.parent / link).exists()
    ]

    assert dead == []


@pytest.mark.parametrize("pattern", [ONE_PERSONS_MACHINE, SECRET], ids=["a person's folder", "a secret"])
def test_no_file_holds(pattern: re.Pattern[str]) -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in files()
        if path.suffix not in DATA and (match := pattern.search(path.read_text(errors="replace")))
    ]

    assert found == []


def test_the_licence_is_the_apache_licence() -> None:
    text = (ROOT / "LICENSE").read_text()

    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
