"""A version whose files are not those that were registered does not begin to serve, and verify names it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from snowflake.snowpark import Session

from local_snowflake.testing import LocalSnowflake
from snowloop.checks import Check
from snowloop.errors import ChallengeRefused, GateRefused, RollbackError
from snowloop.lifecycle.champion import ledger
from snowloop.lifecycle.champion.challenger import challenge
from snowloop.lifecycle.champion.promote import promote
from snowloop.lifecycle.champion.rollback import rollback
from snowloop.lifecycle.model_files import recorded_files, register_files
from snowloop.lifecycle.monitoring.verify import verify
from snowloop.lifecycle.scoring.status import loop_status
from snowloop.project import Challenger
from tests.support.copies import Copies


@pytest.fixture(scope="module")
def world(session: Session, local_snowflake: LocalSnowflake, tmp_path_factory: pytest.TempPathFactory) -> Copies:
    """A, B and C are there, which share their files, and an earlier release, which recorded none, has promoted A."""
    folders = {*(local_snowflake.data_dir / "models").glob("*")}
    made = Copies(session, tmp_path_factory.mktemp("files"), "files", ("A", "B", "C"))
    (folder,) = {*(local_snowflake.data_dir / "models").glob("*")} - folders
    (made.results["pickle"],) = folder.glob("model/models/*/model.pkl")
    made.declare(serving=made.project.serving.model_copy(update={"challenger": Challenger(mode="shadow")}))
    made.promote("A")
    return made


@contextmanager
def tampered(world: Copies) -> Iterator[None]:
    """One byte of the model's pickle is another one for a while."""
    file: Path = world.results["pickle"]
    kept = file.read_bytes()
    file.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
    try:
        yield
    finally:
        file.write_bytes(kept)


def asked(world: Copies) -> Check:
    """What verify finds of the files."""
    (check,) = [each for each in verify(world.workspace).checks if each.name == "MODEL_FILES"]
    return check


def test_versions_of_an_earlier_release_are_not_asked(world: Copies):
    assert recorded_files(world.workspace) == {}
    check = asked(world)
    assert (check.outcome, check.reason) == (
        "not_asked",
        "champions and challenger: of 1 no files were recorded: they are of an earlier release",
    )
    world.rows("ALTER TABLE {db}.OPS.MODEL_FILES RENAME TO {db}.OPS.KEPT")
    try:
        world.promote("C")
        assert asked(world).outcome == "not_asked"
        assert rollback(world.workspace).to_version == "A"
        assert loop_status(world.workspace).files is None
    finally:
        world.rows("ALTER TABLE {db}.OPS.KEPT RENAME TO {db}.OPS.MODEL_FILES")
    assert [entry.files for entry in ledger.entries(world.workspace)] == [None, None, None]


def test_changed_files_are_not_promoted_and_the_champion_goes_on(world: Copies):
    register_files(world.workspace, "B")
    digest = recorded_files(world.workspace)["B"]
    verdict, before = world.judge("B"), ledger.entries(world.workspace)
    with (
        tampered(world),
        pytest.raises(GateRefused, match="B does not become champion of TINY_FILES: ") as refused,
    ):
        promote(world.workspace, verdict)
    assert f"their SHA-256 is {digest}" not in str(refused.value)
    assert f"and {digest} was recorded. Look in QUERY_HISTORY" in str(refused.value)
    assert (world.aliases, ledger.entries(world.workspace)) == ({"CHAMPION": "A", "DEFAULT": "A"}, before)
    with (
        tampered(world),
        pytest.raises(ChallengeRefused, match="B cannot be challenger of project tiny: "),
    ):
        challenge(world.workspace, version="B", reason="it may be better")
    assert world.aliases == {"CHAMPION": "A", "DEFAULT": "A"}
    promote(world.workspace, verdict)
    assert ledger.entries(world.workspace)[-1].files == digest
    assert json.loads(json.dumps(loop_status(world.workspace).to_dict()))["files"] == digest
    check = asked(world)
    assert (check.outcome, check.reason) == (
        "passed",
        "those of B are what was registered; of 1 more none were recorded",
    )


def test_verify_names_changed_files_also_if_the_record_was_changed_with_them(world: Copies):
    registered = recorded_files(world.workspace)["B"]
    with tampered(world):
        assert asked(world).reason.startswith("the files of B are not those that were registered: their SHA-256 is ")
        register_files(world.workspace, "B")  # as who may write into OPS, and not into the ledger, would
        check = asked(world)
        assert check.failed
        assert f"{registered} was recorded" in check.reason
    assert asked(world).failed
    register_files(world.workspace, "B", registered)
    assert asked(world).passed


def test_a_rollback_does_not_return_to_changed_files(world: Copies):
    world.promote("C")
    before = ledger.entries(world.workspace)
    with tampered(world), pytest.raises(RollbackError, match="there is no way back to B: the files of B are not those"):
        rollback(world.workspace)
    assert (world.aliases["CHAMPION"], ledger.entries(world.workspace)) == ("C", before)
    rollback(world.workspace)
    assert (world.aliases["CHAMPION"], ledger.entries(world.workspace)[-1].files) == ("B", before[-2].files)


def test_a_version_that_was_dropped_and_made_again_counts_by_its_newest_registration(world: Copies):
    register_files(world.workspace, "C", "0" * 64)
    with pytest.raises(GateRefused, match=f"and {'0' * 64} was recorded"):
        world.promote("C")
    register_files(world.workspace, "C", kept=True)
    assert recorded_files(world.workspace)["C"] == "0" * 64
    register_files(world.workspace, "C")
    world.promote("C")
    assert world.aliases["CHAMPION"] == "C"
    entries = ledger.entries(world.workspace)
    world.rows(f"UPDATE {{db}}.OPS.LEDGER SET FILES = '{'0' * 64}' WHERE ENTRY = {entries[-1].entry}")
    assert asked(world).failed
    world.promote("C")  # the champion's name is the same, and the ledger has the files that serve now
    assert [entry.files for entry in ledger.entries(world.workspace)[len(entries) :]] == [entries[-1].files]
    assert asked(world).passed
