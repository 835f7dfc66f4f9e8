"""Verifies an environment after trouble: nothing lost, nothing twice, one champion, records that agree with rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from snowloop.checks import Check, counted
from snowloop.errors import DeploymentError, ScoringError, VerificationError
from snowloop.lifecycle.champion import ledger
from snowloop.lifecycle.champion.standing import standing
from snowloop.lifecycle.model_files import difference, present_digest, recorded_files
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.scoring.names import stream_name
from snowloop.lifecycle.scoring.observed import is_stale
from snowloop.lifecycle.scoring.reconcile import reconcile
from snowloop.lifecycle.versions import CHALLENGER, CHAMPION, SYSTEM_ALIASES, Version, model, show, versions
from snowloop.sql import identifier, literal
from snowloop.workspace import Workspace

SHOWN = 5
"""How many runs, entries or versions a reason names."""


@dataclass(frozen=True)
class Verification(Result):
    """What ``verify`` found.

    Args:
        checks: LOADS (records read are loaded or rejected, and are there), ROWS (each row is scored once, quarantined
            once, or waits in the stream), RUNS (the counts of each run are those of its rows), CHAMPION (alias, default
            version, ledger and verdict agree), LEDGER (no entry is missing, each follows from the one before),
            VERDICTS (each verdict of the ledger is kept), TRAINING_SETS (those of the champions are whole) and
            MODEL_FILES (those of champions and challenger are what was registered). The value of a check is the number
            of faults.
    """

    checks: tuple[Check, ...]

    @property
    def faults(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if check.failed)

    def summary(self) -> dict[str, int | float | str]:
        """The counts of checks."""
        return {"verified": counted(self.checks), "faults": len(self.faults)}


def verify(workspace: Workspace) -> Verification:
    """Ask everything that must hold in an environment at any time, whatever was killed in it; nothing is changed.

    Each question is asked of what is committed when it is asked: rows that arrive or are scored meanwhile are a change
    between two of them, and the same call a moment later tells a fault from that.

    Returns:
        All checks, also those that failed.

    Raises:
        DeploymentError: if the environment does not exist.
        snowflake.snowpark.exceptions.SnowparkSQLException: if Snowflake does not answer.
    """
    _check_environment(workspace)
    registered, history = versions(workspace), ledger.entries(workspace)
    return Verification(
        (
            _check("LOADS", _loads(workspace), "each record that was read was loaded or rejected, and is there"),
            _rows(workspace),
            _check("RUNS", _runs(workspace), "the counts of each run are those of the rows that it wrote"),
            _champion(workspace, registered),
            _check(
                "LEDGER",
                _ledger(history, ledger.head(workspace)),
                f"{len(history)} entries, each follows from the one before",
            ),
            _check("VERDICTS", _verdicts(workspace), "the verdict of each entry of the ledger is kept"),
            _check("TRAINING_SETS", _training_sets(workspace, registered, history), "the champions' are whole"),
            _model_files(workspace, registered, history),
        )
    )


def check_verified(workspace: Workspace) -> Verification:
    """``verify``, for a caller that is to fail where a check does.

    Returns:
        The checks, none of which failed.

    Raises:
        VerificationError: if one failed; the message holds each reason.
    """
    done = verify(workspace)
    if done.faults:
        reasons = "; ".join(f"{check.name}: {check.reason}" for check in done.faults)
        raise VerificationError(f"project {workspace.project.name} in {workspace.database}: {reasons}")
    return done


def _check_environment(workspace: Workspace) -> None:
    database = workspace.database
    if not any(row["name"] == database for row in show(workspace.session, f"SHOW DATABASES LIKE {literal(database)}")):
        raise DeploymentError(
            f"{database} does not exist: run the DAG {workspace.project.name}__environment for {workspace.target}"
        )


def _check(name: str, faults: Iterator[str], all_well: str) -> Check:
    found = [*faults]
    more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    reason = "; ".join(found[:SHOWN]) + more if found else all_well
    return Check.of(name, passed=not found, reason=reason, value=len(found), bound=0)


def _loads(workspace: Workspace) -> Iterator[str]:
    sources = [source.upper() for source in workspace.project.sources]
    for row in workspace.run("monitoring/verify.sql#loads", sources=sources):
        source = row["SOURCE"]
        if row["ODD"]:
            yield f"{row['ODD']} files of {source} in OPS.LOADS have other counts read than loaded and rejected"
        if row["TWICE"]:
            yield f"{row['TWICE']} files of {source} were loaded more than once (OPS.LOADS): their rows are there twice"
        if row["REJECTED_LINES"] != row["REJECTED"]:
            yield (
                f"OPS.LOADS counts {row['REJECTED']} rejected records of {source}, RAW.REJECTED_LINES holds "
                f"{row['REJECTED_LINES']}: load again, which completes them"
            )
        if row["ROWS_THERE"] is not None and row["ROWS_THERE"] < row["LOADED"] and not _corrected(workspace, source):
            yield f"OPS.LOADS counts {row['LOADED']} loaded rows of {source}, RAW.{source} has {row['ROWS_THERE']}"


def _corrected(workspace: Workspace, source: str) -> bool:
    """Whether rows of a source may be deleted: the loop's own check accounts for those."""
    return workspace.project.serving.corrections and source == workspace.project.table


def _rows(workspace: Workspace) -> Check:
    schema, name = identifier(workspace.database, "RAW"), stream_name(workspace.project)
    streams = show(workspace.session, f"SHOW STREAMS LIKE {literal(name)} IN SCHEMA {schema}")
    stream = next((each for each in streams if each["name"] == name), None)
    if stream is None and not workspace.exists("TABLES", "SERVING", "BASELINE"):
        return Check("ROWS", "not_asked", "the scoring loop was never deployed here")
    if stream is None or is_stale(stream):
        state = "does not exist" if stream is None else "is stale"
        reason = f"the stream {name} {state}: rows that came since are not scored; "
        return Check.of("ROWS", passed=False, reason=f"{reason}run `snowloop recover`, then verify again", bound=0)
    try:
        counts = reconcile(workspace)
    except ScoringError as error:
        return Check.of("ROWS", passed=False, reason=str(error), bound=0)
    figures = ", ".join(f"{name} {value}" for name, value in counts.summary().items())
    return Check.of("ROWS", passed=True, reason=f"each row has one result or waits: {figures}", value=0, bound=0)


def _runs(workspace: Workspace) -> Iterator[str]:
    for row in workspace.run("monitoring/verify.sql#runs"):
        yield (
            f"run {row['RUN_ID']} recorded {row['ROWS_READ']} rows read, {row['ROWS_SCORED']} scored and "
            f"{row['ROWS_QUARANTINED']} quarantined, but {row['SCORED']} scores and {row['QUARANTINED']} quarantined "
            "rows are there"
        )
    for row in workspace.run("monitoring/verify.sql#rows_without_run"):
        known = f"has {row['RECORDS']} records" if row["RECORDS"] else "has no record of a run that succeeded"
        yield f"{row['N']} rows in SERVING are of run {row['RUN_ID']}, which {known} in OPS.RUNS"


def _champion(workspace: Workspace, registered: Sequence[Version]) -> Check:
    if not registered:
        return Check("CHAMPION", "not_asked", "the model has no version yet")
    name = model(workspace.project, workspace.target)
    holders = {alias: [each.name for each in registered if alias in each.aliases] for alias in (CHAMPION, CHALLENGER)}
    found = [f"{' and '.join(who)} have the alias {alias}" for alias, who in holders.items() if len(who) > 1]
    for each in registered:
        own = [alias for alias in each.aliases if alias not in SYSTEM_ALIASES]
        if len(own) > 1:
            found.append(f"{each.name} has the aliases {' and '.join(own)}, a version has at most one")
    now = standing(workspace, registered)
    found += now.findings(workspace.project, workspace.target)
    passed = f"{now.champion} is the only champion of {name}" if now.champion else f"{name} has no champion"
    return _check("CHAMPION", iter(found), passed)


def _ledger(history: Sequence[ledger.Entry], head: tuple[int, str | None]) -> Iterator[str]:
    """Numbers from 1 without a gap, hashes that follow one another, as times and champions do."""
    yield from _chain(history, head)
    numbers = [entry.entry for entry in history]
    missing = sorted({*range(1, max(numbers, default=0) + 1)} - {*numbers})
    if missing:
        yield f"entries {', '.join(map(str, missing[:SHOWN]))} are missing: rows of OPS.LEDGER were deleted"
    repeated = sorted({number for number in numbers if numbers.count(number) > 1})
    if repeated:
        yield f"the numbers {', '.join(map(str, repeated[:SHOWN]))} are given more than once"
    for before, entry in pairwise(history):
        if entry.done_at < before.done_at:
            yield f"entry {entry.entry} of {entry.done_at} is older than entry {before.entry} of {before.done_at}"
    champion: str | None = None
    for entry in history:
        if entry.action in ledger.CHAMPION_CHANGES:
            if entry.from_version != champion:
                yield (
                    f"entry {entry.entry} ({entry.action}) goes from {entry.from_version or 'no champion'}, but the "
                    f"champion by the entries before is {champion or 'nobody'}"
                )
            champion = entry.to_version


def _chain(history: Sequence[ledger.Entry], head: tuple[int, str | None]) -> Iterator[str]:
    previous: str | None = None
    for entry in history:
        hashed = entry.chained(previous)
        if entry.entry_hash != hashed and (entry.entry_hash or previous):
            yield f"entry {entry.entry} is not what was written: its hash is {entry.entry_hash or 'gone'}, not {hashed}"
            return
        previous = entry.entry_hash
    last = (history[-1].entry, history[-1].entry_hash) if history and history[-1].entry_hash else (0, None)
    if head != last:
        yield f"the last entry is {last[0]}, but entry {head[0]} was written (OPS.LEDGER_HEAD): later ones were deleted"


def _verdicts(workspace: Workspace) -> Iterator[str]:
    for row in workspace.run("monitoring/verify.sql#verdicts"):
        yield f"verdict {row['VERDICT_ID']} of entry {row['ENTRY']} is not in OPS.VERDICTS for the version of the entry"


def _training_sets(workspace: Workspace, registered: Sequence[Version], history: list[ledger.Entry]) -> Iterator[str]:
    """The training sets of the champions that a rollback can return to; of one from another target they are there."""
    elsewhere = {entry.to_version for entry in history if entry.from_target}
    used = {*ledger.champion_history(history)} - elsewhere
    by_set: dict[str, list[str]] = {}
    for version in registered:
        if version.name in used and version.facts.get("training_set"):
            by_set.setdefault(str(version.facts["training_set"]), []).append(version.name)
    if not by_set:
        return
    schema = identifier(workspace.database, "FEATURES")
    tables = {str(row["name"]) for row in show(workspace.session, f"SHOW TABLES IN SCHEMA {schema}")}
    recorded = workspace.run("monitoring/verify.sql#training_sets", fingerprints=[*by_set])
    for fingerprint in by_set.keys() - {row["FINGERPRINT"] for row in recorded}:
        yield f"OPS.TRAINING_SETS has no record of {fingerprint}, on which {', '.join(by_set[fingerprint])} was trained"
    for row in recorded:
        of = f"the training set of {', '.join(by_set[row['FINGERPRINT']])}"
        name = str(row["TABLE_NAME"]).rsplit(".", 1)[-1].strip('"')
        if name not in tables:
            yield f"FEATURES.{name}, {of}, does not exist"
            continue
        there = int(workspace.run("monitoring/verify.sql#training_rows", table=name)[0]["N"])
        if there != row["ROWS_TOTAL"]:
            yield f"FEATURES.{name}, {of}, has {there} rows, it was made with {row['ROWS_TOTAL']}"


def _model_files(workspace: Workspace, registered: Sequence[Version], history: list[ledger.Entry]) -> Check:
    """The files of the champions that a rollback can return to, and of the challenger."""
    recorded, there = recorded_files(workspace), {version.name for version in registered}
    used = dict.fromkeys([*ledger.champion_history(history), ledger.current_challenger(history)])
    digests = {
        name: {each for each in (ledger.promoted_files(history, name), recorded.get(name)) if each}
        for name in used
        if name in there
    }
    asked = {name: every for name, every in digests.items() if every}
    if not asked:
        without = f"of {len(digests)} no files were recorded: they are of an earlier release" if digests else "none yet"
        return Check("MODEL_FILES", "not_asked", f"champions and challenger: {without}")
    left = f"; of {len(digests) - len(asked)} more none were recorded" if len(asked) < len(digests) else ""
    passed = f"those of {', '.join(asked)} are what was registered{left}"
    return _check("MODEL_FILES", _changed(workspace, asked), passed)


def _changed(workspace: Workspace, recorded: dict[str, set[str]]) -> Iterator[str]:
    """By the ledger or by OPS.MODEL_FILES: who changes one of them with the files is found by the other."""
    for name, digests in recorded.items():
        present = present_digest(workspace, name)
        yield from filter(None, (difference(workspace, name, each, present) for each in sorted(digests)))
