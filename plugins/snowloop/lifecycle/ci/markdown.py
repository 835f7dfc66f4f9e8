"""Writes what was found about a change as one comment on a pull request, in GitHub's Markdown."""

import re
from collections.abc import Mapping

from markupsafe import Markup

from snowloop.checks import counted
from snowloop.lifecycle.ci.review import Review
from snowloop.lifecycle.fingerprints import TO_DO
from snowloop.lifecycle.report.render import failed_first
from snowloop.lifecycle.report.templates import templates
from snowloop.markdown import fence, visible

LONGEST = 65_000
"""Characters; GitHub takes 65,536 in a comment, of which a workflow may need some for its own mark."""
MOST_LINES, LONGEST_LINE = 100, 250
"""Of the plan."""
CUT = "(the model card is left out, because the comment would be too long: see the JSON of this command)"


def markdown(review: Review, links: Mapping[str, str] | None = None) -> str:
    """The comment: the outcome and its reasons first, then verdict, score difference and cost; plan and card folded.

    Args:
        review: What was found.
        links: Addresses by name, such as that of the run; they are put in as they are.

    Returns:
        At most ``LONGEST`` characters; the card is left out first.
    """
    text = _render(review, links or {}, review.card)
    return text if len(text) <= LONGEST else _render(review, links or {}, CUT)[:LONGEST]


def _render(review: Review, links: Mapping[str, str], card: str) -> str:
    lines = review.plan.splitlines()
    shown = [line[:LONGEST_LINE] for line in lines[:MOST_LINES]]
    shown += [f"… and {len(lines) - len(shown)} more lines"] if len(lines) > len(shown) else []
    difference = review.difference
    text = (
        templates("md")
        .get_template("ci.md.jinja")
        .render(
            review=review,
            difference=difference,
            review_of_classes=any(mover.output is not None for mover in difference.movers) if difference else False,
            checks=failed_first(review.checks),
            counted=counted(review.checks, " checks"),
            to_do=TO_DO,
            plan_lines=[Markup(visible(line)) for line in shown],  # noqa: S704 - inside a fence
            fence=fence("\n".join(shown)),
            card=Markup(card),  # noqa: S704 - it is Markdown, escaped where it was made
            links={name: Markup(address) for name, address in links.items()},  # noqa: S704 - of the CI system
        )
    )
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
