"""A feature is its formula: what changes the features changes the digest, and nothing else does."""

from pathlib import Path

import pytest

from snowloop.lifecycle.features.formula import Formula
from snowloop.lifecycle.features.point_in_time import declared_formula, render_features
from snowloop.project import load_project
from tests.support.loans import HONEST, loans_project

OWN = "SELECT ID, LN(1 + INCOME) AS LOG_INCOME, KIND = 'a' AS IS_A, V:Key.b AS K FROM {{ source }}"


@pytest.mark.parametrize(
    "same",
    [
        OWN.replace(", ", "\n  ,\t"),
        OWN.replace(" + ", "+"),
        OWN.lower().replace("v:key.b", "v:Key.b"),
        f"-- a comment; it's one\n{OWN} // another\n/* a third: 'text */",
    ],
)
def test_white_space_comments_and_the_case_of_words_do_not_matter(same: str):
    assert Formula(same).digest == Formula(OWN).digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LN(", "LOG(10, "),
        ("'a'", "'A'"),
        ("'a'", "'a '"),
        ("V:Key", "V:key"),
        ("Key.b", "Key.B"),
        ("1 + INCOME", "1 - INCOME"),
        ("1 + INCOME", "1. + INCOME"),
        ("LOG_INCOME", '"log_income"'),
        ("{{ source }}", "{{ source }} WHERE INCOME > 0"),
        ("KIND = 'a'", "KIND = 'a' -- '\n OR TRUE"),
        ("KIND = 'a'", r"KIND = '\'-- a'"),
    ],
)
def test_whatever_else_changes_is_another_formula(old: str, new: str):
    assert old in OWN
    assert Formula(OWN.replace(old, new)).digest != Formula(OWN).digest


def test_a_comment_in_a_text_is_text_and_a_path_ends_where_it_ends():
    assert Formula("'a -- b'").digest != Formula("'a -- c'").digest
    assert Formula("$$a /* b */$$").digest != Formula("$$a$$").digest
    assert Formula("X::float").digest == Formula("X :: FLOAT").digest
    for path in (
        "A[0].Key",
        "A[0] .Key",
        "A[0]. Key",
        "A:B.Key",
        "A:B .Key",
        "A:B. Key",
        "A: /* b */ Key",
        "A:B[0]\n.Key",
    ):
        assert Formula(path).digest != Formula(path.replace("Key", "KEY")).digest, path
    assert Formula("1. e5").digest != Formula("1.e5").digest


def test_what_a_macro_writes_is_the_formula_and_not_how_it_is_called(tmp_path: Path):
    macro = "{%% macro scaled(x) %%}%s(1 + {{ x }}){%% endmacro %%}"
    macro += "SELECT LOAN_ID, {{ scaled('AMOUNT') }} AS A FROM {{ source }}"
    texts = (macro % "LN", "SELECT LOAN_ID, LN(1 + AMOUNT) AS A FROM {{ source }}", macro % "SQRT")
    one, same, other = (
        declared_formula(loans_project(tmp_path / str(number), text)).digest for number, text in enumerate(texts)
    )
    assert one == same
    assert one != other


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    known_after: 2 days\n", "    known_at: PAID_AT\n"),
        ("PAID: {type: FLOAT, nullable: false, min: 0}", "PAID: {type: FLOAT, nullable: false, min: 1}"),
    ],
)
def test_which_joined_rows_count_is_a_part_of_it(tmp_path: Path, old: str, new: str):
    """Rows that break the contract of the joined source, or are known later, are not seen by the features."""
    changed = loans_project(tmp_path / "changed", HONEST, (old, new))
    assert declared_formula(changed).digest != declared_formula(loans_project(tmp_path / "as it is", HONEST)).digest


def test_the_environment_is_no_part_of_it_and_the_rules_of_a_joined_source_are(tmp_path: Path):
    one = loans_project(tmp_path / "one")
    formula = declared_formula(one)
    assert "LOANS_" not in formula.text
    for target in ("dev", "prod"):
        text = render_features(one, target, "CLEAN")
        assert f'"LOANS_{target.upper()}"."RAW"."PAYMENT"' in text
        assert "{{" not in text
    file = loans_project(tmp_path / "two").directory / "project.yaml"
    file.write_text(file.read_text().replace("known_after: 2 days", "known_after: 3 days"))
    later = declared_formula(load_project("loans", tmp_path / "two"))
    assert later.digest != formula.digest
