"""The errors of Snowloop: one class for each that a caller may want to treat differently."""

from typing import Any


class SnowloopError(Exception):
    """Base of every error that Snowloop raises itself."""


class Refusal(SnowloopError):  # noqa: N818 - not a fault: the system did its job
    """Snowloop works, and refuses: trying again without a change gives the same answer."""


class NoConnection(SnowloopError):  # noqa: N818 - as Refusal
    """No connection to Snowflake is named, or what names it cannot be used; the message says what to do."""


class AnswerError(SnowloopError):
    """Snowflake's answer says that a statement did less than was asked: a file not stored, a row not written."""


class ProjectError(SnowloopError):
    """A project's declaration is not usable; the message names file, line, what is wrong and what to do."""


class NewProjectError(SnowloopError):
    """No first declaration can be written, because of the file, the name or the folder; the message says what to do."""


class LoadError(SnowloopError):
    """A data file cannot be loaded, or the counts of a load do not reconcile."""


class SourceError(Refusal):
    """A table that is declared as a source cannot be read as declared; the message has what to ask its owner for."""


class ContractViolation(Refusal):
    """The loaded data breaks the project's contract by more than the declaration tolerates."""


class LeakageError(Refusal):
    """The training set leaks the label; the message names the feature, its value, the bound, and what to do."""


class TrainingError(SnowloopError):
    """A training set cannot be built, or the training procedure failed (not: one candidate failed to fit)."""


class LimitReached(TrainingError):  # noqa: N818 - not a fault: a declared limit took effect
    """A call of the training procedure exceeded its time limit, or the memory of the warehouse."""


class ProcedureDied(TrainingError):  # noqa: N818 - as LimitReached
    """The process of a procedure ended before it answered: the candidate's code crashed it, or it ran out of memory."""


class OverrideError(SnowloopError):
    """An override of the gate lacks a name or a reason, or there is nothing that could be promoted."""


class GateRefused(Refusal):
    """No candidate passed the gate; the message has the reason of each failed check.

    Args:
        message: The message.
        verdict_id: The verdict's id in OPS.VERDICTS.
    """

    def __init__(self, message: str, verdict_id: str = "") -> None:
        super().__init__(message)
        self.verdict_id = verdict_id


class ApprovalRefused(Refusal):
    """A promotion that needs a person's approval has none: rejected, not answered in time, or never requested."""


class ChallengeRefused(Refusal):
    """A version must not become challenger, or there is none to promote; the message says why, and what to do."""


class ReferenceRefused(Refusal):
    """The reference of the gate is not reset: the user or the reason is missing, or there is no champion."""


class TargetRefused(Refusal):
    """A connection, or a checkout, is not that of the target, or the target accepts no version from the source."""


class SmokeFailed(Refusal):
    """What is deployed in a target does not work; the message has each failed check, and what to do."""


class DeliveryError(SnowloopError):
    """A version, or a file of it, did not arrive as it is; the message says what differs, and what to do."""


class DeploymentError(SnowloopError):
    """The scoring loop cannot be deployed as declared."""


class EnvironmentBusy(DeploymentError):  # noqa: N818 - not a fault: trying again later does it
    """Another deployment, promotion or rollback is under way in the environment; the message says whose."""


class PlanRefused(DeploymentError, Refusal):  # noqa: N818 - as Refusal
    """The declared scoring loop cannot be deployed without losing rows; the message has each reason and its remedy."""


class ScoringError(SnowloopError):
    """The native task failed, did not finish in time, or scored other rows than it should have."""


class RollbackError(SnowloopError):
    """There is no earlier champion to return to."""


class ReportError(SnowloopError):
    """There is no verdict to report on."""


class VerificationError(SnowloopError):
    """Records and rows of an environment do not agree: something is lost, twice, or was changed by hand."""


class MonitoringError(SnowloopError):
    """What serves cannot be monitored, or a part of it: nothing serves, or what is to be read is not there."""


class MonitoringCheckError(MonitoringError):
    """All was measured and recorded, and a check of what serves failed: its scores, times, age or packages.

    Args:
        message: Each reason.
        report: The ``MonitoringReport`` with the checks that passed too, for whoever shows all of them.
    """

    def __init__(self, message: str, report: Any = None) -> None:
        super().__init__(message)
        self.report = report


class RehearsalError(SnowloopError):
    """A part of a rehearsal failed, or there is no champion to rehearse with."""


class AlertError(SnowloopError):
    """An alert cannot be changed as asked: there is none of that name, or a reason is missing."""


class NotificationError(SnowloopError):
    """A declared notifier could not be made, or could not send; messages stay unsent and are tried again."""


def transport_errors() -> tuple[type[Exception], ...]:
    """What a client raises if a connection is lost in the middle of an answer.

    The connector puts most of it into errors of its own, but not all of it, and has its own copy of requests.

    Returns:
        The classes, without the connector's own errors.
    """
    from requests import exceptions as of_requests
    from snowflake.connector.vendored.requests import exceptions as of_the_connector

    names = ("ConnectionError", "Timeout", "ChunkedEncodingError")
    return (ConnectionError, *(getattr(each, name) for each in (of_requests, of_the_connector) for name in names))
