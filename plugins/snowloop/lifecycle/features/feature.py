"""A feature, and the rows of features that the checks of a training set are about."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Feature:
    """One feature, and the type in which the model sees it in training and in serving alike.

    Args:
        name: Name of the column.
        type: FLOAT or VARCHAR.
    """

    name: str
    type: str


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
