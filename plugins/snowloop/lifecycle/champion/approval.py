"""Stage 4d: a person's approval of a promotion, in the environments where the declaration asks for one."""

from dataclasses import dataclass

from snowloop.errors import ApprovalRefused
from snowloop.lifecycle.gate.verdict import Verdict
from snowloop.lifecycle.results import Result
from snowloop.project import Project, in_words


@dataclass(frozen=True)
class Approval(Result):
    """The approval of one version; or that nobody had to be asked.

    Args:
        version_name: The version.
        by: Who approved; None if nobody had to be asked.
        reason: Their reason, or None.
    """

    version_name: str
    by: str | None = None
    reason: str | None = None

    def summary(self) -> dict[str, int | float | str]:
        """The version, and who approved it."""
        return {"version": self.version_name, "approved by": self.by or "nobody, not asked for"}


@dataclass(frozen=True)
class Answer:
    """What a person answered, or that nobody did.

    Args:
        approved: Whether the person approved.
        by: The person's name; None if nobody answered in time.
        reason: Their reason.
    """

    approved: bool
    by: str | None = None
    reason: str | None = None


def asks(project: Project, target: str, verdict: Verdict) -> bool:
    """Whether a person must be asked: the environment is declared, and the version is not the champion already."""
    return target.lower() in project.approval.targets and not verdict.kept


def check_approved(project: Project, target: str, verdict: Verdict, approval: Approval | None) -> None:
    """Refuse a promotion that needs an approval and has none.

    Args:
        verdict: The gate's verdict on the version.
        approval: The approval, if there is one.

    Raises:
        ApprovalRefused: if there is none by anybody, or it is for another version.
    """
    if not asks(project, target, verdict):
        return
    if approval is None or approval.by is None or approval.version_name != verdict.version_name:
        present = f"{approval.by} approved {approval.version_name}" if approval and approval.by else "there is none"
        message = (
            f"project {project.name} asks for an approval of each promotion in {target}, for {verdict.version_name} "
            f"{present}: run {project.name}__train (of a challenger: {project.name}__challenge with the action promote)"
            " and answer its task approve"
        )
        raise ApprovalRefused(message)


def settle(project: Project, target: str, verdict: Verdict, answer: Answer) -> Approval:
    """Turn an answer into an approval, or into a refusal with who and why.

    Args:
        verdict: The gate's verdict on the version.
        answer: What was answered.

    Returns:
        The approval.

    Raises:
        ApprovalRefused: if the answer is no, came from nobody in time, or bears no name.
    """
    what = f"the promotion of {verdict.version_name} to champion of {project.name} in {target}"
    if answer.approved and answer.by:
        return Approval(verdict.version_name, answer.by, answer.reason or None)
    if answer.approved:
        message = f"{what} was approved without a name: answer it as a user who is logged in"
    elif answer.by is None:
        message = f"{what} was not answered within {in_words(project.approval.timeout)}: run it again to be asked again"
    else:
        message = f"{what} was rejected by {answer.by}: {answer.reason or 'no reason given'}"
    raise ApprovalRefused(message)


def question(project: Project, target: str, verdict: Verdict, report: str) -> tuple[str, str]:
    """The question to a person: a headline, and the report of the version.

    Args:
        verdict: The gate's verdict on the version.
        report: The report of the verdict, in Markdown.

    Returns:
        The headline; the report, and what happens without an answer.
    """
    headline = f"Promote {verdict.version_name} to champion of {project.name} in {target}?"
    return headline, f"{report}\n\nWithout an answer within {in_words(project.approval.timeout)} it is refused."
