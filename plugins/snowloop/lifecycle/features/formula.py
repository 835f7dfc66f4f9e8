"""The formula of the features: the text of features.sql with its joins, which a version keeps with its training set."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from snowloop.errors import ScoringError
from snowloop.lifecycle.provenance import content_hash
from snowloop.lifecycle.versions import Version
from snowloop.sql import identifier
from snowloop.workspace import Workspace

SOURCE, DATABASE = "{{ source }}", "{{ database }}"
"""Stand in a formula for the rows that it is read over, and for the database of the environment."""
_NAME = r'(?:[^\W\d][\w$]*|"(?:[^"]|"")*")'
_GAP = r"(?: \s | --[^\n]*\n | //[^\n]*\n | /\*(?: [^*] | \*(?!/) )*\*/ )*"
TOKEN = re.compile(
    rf"""
      (?P<insignificant> \s+ | --[^\n]* | //[^\n]* | /\*.*?\*/ )
    | '(?: [^'\\] | \\. | '' )*' | \$\$.*?\$\$ | "(?: [^"] | "" )*"
    | :: | : {_GAP} {_NAME} (?: {_GAP} \. {_GAP} {_NAME} | \[[^\]]*\] )*  | \] (?: {_GAP} \. {_GAP} {_NAME} )+
    | (?: \d+\.?\d* | \.\d+ )(?: [eE][+-]?\d+ )?
    | (?P<word> [^\W\d][\w$]* )
    | .
    """,
    re.VERBOSE | re.DOTALL,
)
"""Tokens of Snowflake's SQL. Texts, quoted names and paths into semi-structured values depend on case (paths with
blanks in them too), other words not:
https://docs.snowflake.com/en/user-guide/querying-semistructured."""


@dataclass(frozen=True)
class Formula:
    """What features.sql computes, in whichever environment: two texts of one formula give the same features.

    Args:
        text: The rendered SQL, with the conditions of its joins; the source and the database are left open.
    """

    text: str

    @property
    def digest(self) -> str:
        """Hash of the tokens: white space, comments, and the case of what is not quoted do not matter."""
        matches = [match for match in TOKEN.finditer(self.text) if match["insignificant"] is None]
        return content_hash([match[0].upper() if match["word"] else match[0] for match in matches], length=32)

    def over(self, source: str, database: str) -> str:
        """The SQL over some rows.

        Args:
            source: Quoted name of the table, or of the common table expression, with the rows.
            database: The environment's database, unquoted.

        Returns:
            The text.
        """
        return self.text.replace(DATABASE, identifier(database)).replace(SOURCE, source)


def recorded_formula(workspace: Workspace, version: Version) -> Formula:
    """The formula that a version was trained with; its training set keeps the text.

    Args:
        version: The version.

    Returns:
        The formula.

    Raises:
        ScoringError: if the version does not record it, or its text is gone or was changed.
    """
    digest, fingerprint = version.facts.get("formula"), version.facts.get("training_set")
    if not digest or not fingerprint:
        message = (
            f"version {version.name} does not record the features.sql that it was trained with, because an earlier "
            "release of Snowloop trained it, or none: train a new version, and promote that"
        )
        raise ScoringError(message)
    kept = formula_of(workspace, str(fingerprint))
    if kept is not None and kept.digest == digest:
        return kept
    found = "is gone" if kept is None else "was changed"
    message = (
        f"the features.sql that version {version.name} was trained with {found}: {workspace.database}.OPS."
        f"TRAINING_SETS should have it for training set {fingerprint}: restore that row, or train a new version, and "
        "promote that"
    )
    raise ScoringError(message)


def formula_of(workspace: Workspace, fingerprint: str) -> Formula | None:
    """The formula of a training set.

    Args:
        fingerprint: The training set's fingerprint.

    Returns:
        The formula; None if none is recorded.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if the environment is of an earlier release.
    """
    rows: list[Mapping[str, Any]] = workspace.run("features/queries.sql#formula", training_set=fingerprint)  # type: ignore[assignment]
    return Formula(str(rows[0]["FEATURES_SQL"])) if rows and rows[0]["FEATURES_SQL"] else None
