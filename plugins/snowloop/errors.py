"""What can go wrong in Snowloop, one class for each thing that a caller may want to treat differently."""


class SnowloopError(Exception):
    """Base of every error that Snowloop raises itself."""


class Refusal(SnowloopError):  # noqa: N818 - no fault: the system did what it is for
    """Snowloop works, and says no: trying again without a change gives the same answer."""


class NoConnection(SnowloopError):  # noqa: N818 - as Refusal
    """No connection to Snowflake is named, or what names it cannot be used; the message says what to do."""


class ProjectError(SnowloopError):
    """A project's declaration is not usable; the message names file, line, what is wrong and what to do."""


class NewProjectError(SnowloopError):
    """No first declaration can be written: of the file, the name or the place; the message says what to do."""


class LoadError(SnowloopError):
    """A data file cannot be loaded, or the counts of a load do not reconcile."""


class ContractViolation(Refusal):
    """The loaded data breaks the project's contract by more than the declaration tolerates."""


class LeakageError(Refusal):
    """The training set gives the label away; the message names the feature, its value, the bound, and what to do."""


class TrainingError(SnowloopError):
    """A training set cannot be built, or the training procedure broke down (not: one candidate failed to fit)."""


class LimitReached(TrainingError):  # noqa: N818 - no fault of the system: a declared bound was kept
    """A call of the training procedure ran over its time, or over the memory of the warehouse."""


class ProcedureDied(TrainingError):  # noqa: N818 - as LimitReached
    """The process of a procedure ended before it answered: code of the candidate crashed it, or its memory ran out."""


class OverrideError(SnowloopError):
    """The gate was to be overridden without a name or a reason, or where there is nothing that could be promoted."""


class GateRefused(Refusal):
    """No candidate passed the gate; the message holds the reason of each failed check.

    Args:
        message: The message.
        verdict_id: The verdict's id in OPS.VERDICTS.
    """

    def __init__(self, message: str, verdict_id: str = "") -> None:
        super().__init__(message)
        self.verdict_id = verdict_id


class ApprovalRefused(Refusal):
    """A promotion that needs a person's yes has none: it was rejected, not answered in time, or never asked for."""


class ChallengeRefused(Refusal):
    """A version must not be challenger, or there is none to promote; the message says why, and what to do."""


class DeploymentError(SnowloopError):
    """The scoring loop cannot be deployed as declared."""


class PlanRefused(DeploymentError, Refusal):  # noqa: N818 - no fault, as Refusal
    """The wanted scoring loop cannot be had without a loss; the message holds each reason and its remedy."""


class ScoringError(SnowloopError):
    """The native task failed, did not finish in time, or scored other rows than it should have."""


class RollbackError(SnowloopError):
    """There is no earlier champion to return to."""


class ReportError(SnowloopError):
    """There is no verdict to report on."""


class MonitoringError(SnowloopError):
    """What serves is not as it should be: its scores, its times, its age or its packages; or nothing serves."""


class RehearsalError(SnowloopError):
    """Something that was tried out did not go well, or there is no champion to try it with."""
