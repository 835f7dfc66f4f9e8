"""COVERAGE.md says what the conformance tests say, and leaves no numbered semantic out."""

from __future__ import annotations

from tests.conformance.coverage import TARGET, render, semantics
from tests.unit.answers.checks import read_checks


def test_the_page_is_made_from_the_tests() -> None:
    assert TARGET.read_text() == render(semantics(), read_checks()), "run: python -m tests.conformance.coverage"


def test_every_numbered_semantic_has_a_test() -> None:
    numbered = {f"S{n}" for n in range(1, 25)} | {f"T{n}" for n in range(1, 15)} | {f"R{n}" for n in range(1, 8)}
    assert numbered - {s.id for s in semantics()} == set()
    assert sum(s.status == "refused" for s in semantics() if s.id in numbered) <= 6
