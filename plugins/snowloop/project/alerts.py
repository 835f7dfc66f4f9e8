"""The declaration of alerts: when one opens and closes, how often it reminds, and who is notified."""

from datetime import timedelta
from difflib import get_close_matches
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator

from snowloop.project.base import Declaration, Name, Text
from snowloop.project.durations import Duration

DATA_HEALTH = ("volume", "quarantine", "rejects", "latency", "cost", "freshness", "contract", "backlog", "schema")
"""Kinds of the signals of data health: what stands before the colon."""
RETRAINING = ("drift", "performance", "calibration", "CHAMPION_AGE", "DEPENDENCIES")
"""Kinds of the signals that a new model can cure; data health is none: a broken feed must not teach a model."""
KINDS = (*DATA_HEALTH, *RETRAINING, "SCORES_FINITE", "SCORING_TIME", "MODEL_MONITOR", "model_monitor")


def _signal(value: str) -> str:
    if value.partition(":")[0] not in KINDS:
        near = get_close_matches(value, KINDS, n=1) or [", ".join(KINDS)]
        raise ValueError(f"'{value}' is no signal: {near[0]}?")
    return value


Signal = Annotated[Text, AfterValidator(_signal)]
"""A signal, such as drift:AGE, or its kind, such as drift."""


class OpenRule(Declaration):
    """How many judged windows above the bound open an alert; the newest must be one of them."""

    windows: int = Field(3, ge=1, le=100, description="Number of windows above the bound.")
    of: int = Field(5, ge=1, le=100, description="Out of how many of the newest judged windows.")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.windows > self.of:
            message = f"{self.windows} windows of the newest {self.of} can never be above the bound: raise `of`"
            raise ValueError(message)
        return self


class CloseRule(Declaration):
    """How many windows in a row close an alert, and how far below the bound they must be."""

    windows: int = Field(3, ge=1, le=100, description="Number of the newest judged windows.")
    below: float = Field(0.8, gt=0, le=1, description="Share of the bound that none of them may exceed.")


class Notifier(Declaration):
    """An Airflow notifier, and what it is made with."""

    notifier: Text = Field(
        pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$",
        description="Path of the class, such as airflow.providers.slack.notifications.slack_webhook."
        "SlackWebhookNotifier.",
    )
    arguments: dict[str, Any] = Field(
        {}, description="Its arguments; texts are templates that know alert.subject, alert.text and alert.events."
    )
    targets: tuple[Annotated[Name, AfterValidator(str.lower)], ...] = Field(
        (), description="Environments whose alerts it sends, such as prod; empty: all."
    )


class Alerts(Declaration):
    """When an alert opens, rises and closes, and who is notified."""

    open: OpenRule = OpenRule()
    close: CloseRule = CloseRule()
    error_at: float = Field(
        2.5, gt=1, description="Multiple of the bound from which a window counts as an error, not as a warning."
    )
    immediate: tuple[Signal, ...] = Field(
        ("SCORES_FINITE", "schema", "contract", "freshness", "backlog"),
        description="Signals, or their part before the colon, of which one window opens an error, and one closes it.",
    )
    remind_after: Duration = Field(timedelta(days=1), description="How often an open alert is sent again.")
    silent_after: dict[Signal, Duration] = Field(
        {"volume": timedelta(days=3), "drift": timedelta(days=7), "performance": timedelta(days=60)},
        description="Signals, or their part before the colon, that raise an alert if none was judged for so long.",
    )
    notify: tuple[Notifier, ...] = Field((), description="Airflow notifiers; each gets every message once.")
