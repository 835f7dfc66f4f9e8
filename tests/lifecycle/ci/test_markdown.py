"""The comment on a pull request: the outcome first, bounded in size, and nothing in it is read as Markdown."""

import re
from dataclasses import replace

from snowloop.checks import Check
from snowloop.lifecycle.ci.cost import Cost, StageCost
from snowloop.lifecycle.ci.difference import Mover, PartDifference, ScoreDifference
from snowloop.lifecycle.ci.markdown import LONGEST, markdown
from snowloop.lifecycle.ci.review import Review
from snowloop.lifecycle.fingerprints import ChangeKind, PartChange

WHOLE = PartDifference("", "all rows", 400, 0.5, 0.125, 7, 0.25, 0.3)
DIFFERENCE = ScoreDifference(
    "NEW_1",
    "OLD_1",
    400,
    3,
    WHOLE,
    (("0", "1", 5), ("1", "0", 2)),
    (Mover({"ID": "17"}, 0.1, 0.9),),
    (replace(WHOLE, column="KIND", part="A", rows=200),),
)
REVIEW = Review(
    "churn",
    "staging",
    "abc",
    "a clone of CHURN_STAGING, target staging",
    "passed",
    (),
    ChangeKind((PartChange("features.sql", "retrain", "a", "b"),), "retrain"),
    None,
    "environment of churn in staging:\n  ~ alter    table       RAW.CALLS  (add column REGION)",
    "trained",
    "NEW_1",
    "OLD_1",
    (
        Check.of("BOUND", passed=True, reason="roc_auc is 0.8", value=0.8, bound=0.7),
        Check.of("SKEW", passed=False, reason="too much", value=0.2, bound=0.1),
    ),
    "### the card",
    DIFFERENCE,
    Cost((StageCost("train and judge", 30.0, 12), StageCost("contract", 6.0, 2)), "WH", "Small", 0.02),
)


def test_the_outcome_comes_first_then_why_then_verdict_difference_and_cost():
    text = markdown(replace(REVIEW, outcome="refused", reasons=("the skew is 0.2",)), {"run": "https://ci.test/1"})
    lines = text.splitlines()
    assert lines[0] == "### churn against staging: the change ❌ is refused"
    assert lines[2] == "❌ the skew is 0.2"
    assert "**Kind of change: retrain**" in lines[4]
    assert text.index("| ❌ | SKEW") < text.index("| ✅ | BOUND") < text.index("Score difference")
    assert "**7 decisions flip** (0 → 1: 5, 1 → 0: 2)" in text
    assert "| KIND: A | 200 | 50.0% | 0.125 | 7 | 0.25 | 0.3 |" in text
    assert "| ID 17 | 0.1 | 0.9 | 0.8 |" in text
    assert "#### Cost of this trial: 36 s, 14 statements, about 0.02 credits" in text
    assert text.index("Cost of this trial") < text.index("RAW.CALLS") < text.index("### the card")
    assert lines[-1] == "commit abc · [run](https://ci.test/1)"
    assert markdown(REVIEW).startswith("### churn against staging: the change ✅ may be merged\n")


def test_every_row_of_a_table_has_as_many_cells():
    movers = (Mover({"ID": "17"}, 0.1, 0.9, "high"),)
    for review in (REVIEW, replace(REVIEW, difference=replace(DIFFERENCE, movers=movers))):
        for block in re.split(r"\n(?!\|)", markdown(review)):
            rows = [line for line in block.splitlines() if line.startswith("|")]
            assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) <= 1, block


def test_texts_are_shown_and_never_read():
    evil = "@ada see https://evil.test or www.evil.test [x](y) <script> | `a` #12 ada@example.org"
    fence = "```\n@team\n````"
    key = Mover({"ID": evil}, 0.1, 0.9)
    review = replace(REVIEW, reasons=(evil,), notes=(evil,), plan=fence, difference=replace(DIFFERENCE, movers=(key,)))
    text = markdown(review)
    outside, plan = text.split("`````\n", 1)
    assert plan.startswith(f"{fence}\n`````\n"), "the fence is longer than any in the plan"
    for pattern in (r"@\w", r"://", r"www\.", r"(?<!\\)\]\(", r"<script", r"(?<!\\)#12"):
        assert not re.search(pattern, outside), pattern


def test_a_comment_is_never_longer_than_github_takes():
    card = replace(REVIEW, card="long\n" * 20_000)
    assert len(markdown(card)) <= LONGEST
    assert "the model card is left out" in markdown(card)
    many = tuple(Check.of(f"CHECK_{n}", passed=True, reason="why " * 500) for n in range(20))
    parts = tuple(replace(WHOLE, column="KIND", part=f"part {n} {'x' * 500}") for n in range(500))
    plan = "\n".join(f"{'line ' * 200}{n}" for n in range(1000))
    reasons = tuple("reason " * 1000 for _ in range(5))
    filled = replace(REVIEW, checks=many, reasons=reasons, plan=plan, difference=replace(DIFFERENCE, parts=parts))
    text = markdown(filled)
    assert len(text) <= LONGEST
    assert "… and 900 more lines" in text
    assert text.rstrip().endswith("commit abc"), "nothing is cut off at the end"


def test_what_is_missing_is_left_out():
    bare = replace(REVIEW, change=None, plan="", checks=(), card="", difference=None, version=None, cost=Cost(()))
    text = markdown(bare)
    assert "Kind of change: unknown" in text
    assert "Verdict" not in text
    assert "Score difference" not in text
    assert "credits" not in text
    first = markdown(replace(REVIEW, difference=None, serving=None))
    assert "There is no serving version whose scores could be compared." in first
