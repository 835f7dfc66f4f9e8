"""A feature, and the rows of features that the checks of a training set are about."""

from dataclasses import dataclass

from snowloop_procedures.requests import Feature

__all__ = ["Feature", "Subject"]


@dataclass(frozen=True)
class Subject:
    """What the checks of a training set are about: its rows, before they are published under their fingerprint.

    Args:
        table: Quoted name of the table with the rows.
        fingerprint: The training set's fingerprint.
        features: Its features, in the order in which the model takes them.
    """

    table: str
    fingerprint: str
    features: tuple[Feature, ...]
