"""Stage 4e: a person's approval of a promotion or a large canary, in the environments where one is declared."""

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


@dataclass(frozen=True)
class Request:
    """What a person is asked to approve.

    Args:
        version_name: The version.
        what: What is to be approved, in words.
        question: The question.
    """

    version_name: str
    what: str
    question: str


def asks(project: Project, target: str, verdict: Verdict) -> bool:
    """Whether a person must be asked: the environment is declared, and the version is not the champion already."""
    return target.lower() in project.approval.targets and not verdict.kept


def promotion_request(project: Project, target: str, verdict: Verdict) -> Request | None:
    """What a person is asked before a promotion; None where nobody is asked.

    Args:
        verdict: The gate's verdict on the version.

    Returns:
        The request.
    """
    if not asks(project, target, verdict):
        return None
    name, where = verdict.version_name, f"champion of {project.name} in {target}"
    return Request(name, f"the promotion of {name} to {where}", f"Promote {name} to {where}?")


def canary_request(project: Project, target: str, version: str) -> Request | None:
    """What a person is asked before a version serves a large share of the keys; None where nobody is asked.

    Args:
        version: Name of the version.

    Returns:
        The request.
    """
    declared = project.serving.challenger
    if declared is None or not project.asks_about_canary(target):
        return None
    what = f"{version} as a canary for {declared.share:.0%} of the keys of {project.name} in {target}"
    return Request(
        version, what, f"Let {version} serve {declared.share:.0%} of the keys of {project.name} in {target}?"
    )


def check_approved(project: Project, target: str, verdict: Verdict, approval: Approval | None) -> None:
    """Refuse a promotion that needs an approval and has none.

    Args:
        verdict: The gate's verdict on the version.
        approval: The approval, if there is one.

    Raises:
        ApprovalRefused: if there is none by anybody, or it is for another version.
    """
    request = promotion_request(project, target, verdict)
    _check(
        project,
        request,
        approval,
        f"each promotion in {target}",
        f"{project.name}__train (of a challenger: {project.name}__challenge with the action promote) and answer its "
        "task approve",
    )


def check_canary_approved(project: Project, target: str, version: str, approval: Approval | None) -> None:
    """Refuse a challenger that needs an approval, because it is to serve a large share of the keys, and has none.

    Args:
        version: Name of the version.
        approval: The approval, if there is one.

    Raises:
        ApprovalRefused: if there is none by anybody, or it is for another version.
    """
    declared = project.serving.challenger
    bound = declared.approval_above if declared else 0
    what = f"each canary of more than {bound:.0%} of the keys in {target}"
    answer = f"{project.name}__challenge with the action challenge and answer its task approve_canary"
    _check(project, canary_request(project, target, version), approval, what, answer)


def _check(project: Project, request: Request | None, approval: Approval | None, what: str, remedy: str) -> None:
    if request is None:
        return
    if approval is None or approval.by is None or approval.version_name != request.version_name:
        present = f"{approval.by} approved {approval.version_name}" if approval and approval.by else "there is none"
        message = (
            f"project {project.name} asks for an approval of {what}, for {request.version_name} {present}: run {remedy}"
        )
        raise ApprovalRefused(message)


def settle(project: Project, request: Request, answer: Answer) -> Approval:
    """Turn an answer into an approval, or into a refusal with who and why.

    Args:
        request: What was asked.
        answer: What was answered.

    Returns:
        The approval.

    Raises:
        ApprovalRefused: if the answer is no, came from nobody in time, or bears no name.
    """
    if answer.approved and answer.by:
        return Approval(request.version_name, answer.by, answer.reason or None)
    if answer.approved:
        message = f"{request.what} was approved without a name: answer it as a user who is logged in"
    elif answer.by is None:
        limit = in_words(project.approval.timeout)
        message = f"{request.what} was not answered within {limit}: run it again to be asked again"
    else:
        message = f"{request.what} was rejected by {answer.by}: {answer.reason or 'no reason given'}"
    raise ApprovalRefused(message)


def question(project: Project, request: Request, report: str) -> tuple[str, str]:
    """The question to a person: a headline, and what they should know.

    Args:
        request: What is asked.
        report: What they should know, in Markdown.

    Returns:
        The headline; the report, and what happens without an answer.
    """
    limit = in_words(project.approval.timeout)
    return request.question, f"{report}\n\nWithout an answer within {limit} it is refused."
