"""Whether a version may serve, by its verdict; and whether alias, default version and ledger agree on the champion."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from snowloop.lifecycle.versions import CHAMPION, Version, aliased, model, serving
from snowloop.project import Project
from snowloop.workspace import Workspace

Role = Literal["champion", "challenger"]


def refusal(workspace: Workspace, version: str, role: Role, *, expire: bool = True) -> dict[str, Any]:
    """Why the gate's verdict does not let a version serve.

    Args:
        version: Name of the version.
        role: What it is to be: a challenger need not be as good as the champion, and of a champion the verdict by which
            it was promoted counts.
        expire: Whether an override that has expired counts as none.

    Returns:
        ``REASON``, or None in it, and ``VERDICT_ID``, the verdict that was asked, or None in it.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if OPS.VERDICTS cannot be read.
    """
    names = {"model_name": workspace.project.model_name, "version": version}
    row: dict[str, Any] = workspace.run("gate/refusal.sql", role=role, expire=expire, **names)[0].as_dict()
    return row


@dataclass(frozen=True)
class Standing:
    """What alias, default version, ledger and verdict say about the champion.

    Args:
        champion: The version that serves, or None.
        alias: The version with the alias CHAMPION, or None.
        recorded: The champion by the ledger, or None.
        before: The version before, by the same entry, or None.
        default: The default version of the model.
        refused: Why the gate does not let the champion serve; None if it does, or did until its override expired.
        expired: That its override has expired; None if it has not.
    """

    champion: str | None = None
    alias: str | None = None
    recorded: str | None = None
    before: str | None = None
    default: str | None = None
    refused: str | None = None
    expired: str | None = None

    @property
    def moved_by_hand(self) -> bool:
        """Whether no entry of the ledger explains the alias; an interrupted change is explained by its entry."""
        return self.alias is not None and self.alias not in (self.recorded, self.before)

    def stops(self, project: Project) -> str | None:
        """Why the scoring procedure would not score with the champion; None if it would.

        Args:
            project: Its declaration says whether an expired override and an alias moved by hand are refused.

        Returns:
            The reason.
        """
        declared = project.champion
        if self.moved_by_hand and declared.moved_by_hand == "refuse":
            return f"the alias CHAMPION was moved by hand to {self.alias}, {self._ledger}"
        return self.refused or (self.expired if declared.expired_override == "refuse" else None)

    def findings(self, project: Project, target: str) -> Iterator[str]:
        """What is wrong, each with what to do.

        Args:
            project: The project.
            target: The environment.

        Yields:
            Sentences for people.
        """
        if self.champion is None:
            return
        name, stops = model(project, target), self.stops(project)
        if self.moved_by_hand:
            yield (
                f"the alias CHAMPION of {name} was moved by hand: {self.alias} has it, {self._ledger}; "
                f"{'nothing is scored' if stops else f'{self.alias} serves'}. Take it away, and the ledger's champion "
                f"serves: ALTER MODEL {name} VERSION CHAMPION UNSET ALIAS; or roll back: snowloop rollback"
            )
        elif self.alias != self.recorded:
            yield (
                f"a change of the champion of {name} was interrupted, or its alias taken away by hand: "
                f"{self.alias or 'no version'} has the alias CHAMPION, {self._ledger}, {self.champion} serves: run the "
                "task that promotes again, or roll back"
            )
        if self.default != self.champion:
            yield (
                f"the default version of {name} is {self.default}, the champion is {self.champion}: queries without a "
                f"version get the former; ALTER MODEL {name} SET DEFAULT_VERSION = {self.champion}"
            )
        judged = self.refused or self.expired
        if judged:
            yield (
                f"champion {self.champion}: {judged}; {'nothing is scored' if stops else 'it still serves'}: have the "
                f"gate judge again, by {project.name}__train, or roll back"
            )

    @property
    def _ledger(self) -> str:
        return f"by OPS.LEDGER the champion is {self.recorded or 'nobody'}"


def standing(workspace: Workspace, registered: Sequence[Version]) -> Standing:
    """Look at the champion; nothing is changed.

    Args:
        registered: All versions of the model.

    Returns:
        How the champion stands.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if the environment does not exist, or is of an earlier
            version.
    """
    entries = workspace.run("champion/queries.sql#recorded_champion")
    now, alias = serving(workspace, registered), aliased(registered, CHAMPION)
    if now is None:
        return Standing()
    refused, late = (refusal(workspace, now.name, "champion", expire=expire)["REASON"] for expire in (False, True))
    return Standing(
        now.name,
        alias.name if alias else None,
        entries[0]["TO_VERSION"] if entries else None,
        entries[0]["FROM_VERSION"] if entries else None,
        next((version.name for version in registered if version.default), None),
        refused,
        late if refused is None else None,
    )
