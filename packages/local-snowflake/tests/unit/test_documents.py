"""The package's pages link only to its own files and to public pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2]
PAGES = [*PACKAGE.glob("*.md"), *PACKAGE.glob("docs/*.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_of_the_package_or_to_public_pages(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text())
    local = [link.partition("#")[0] for link in links if not link.startswith("https://")]
    targets = [(page.parent / link).resolve() for link in local if link]
    assert [t for t in targets if not t.exists() or not t.is_relative_to(PACKAGE)] == []
