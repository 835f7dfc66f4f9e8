"""A promotion that needs a person's yes is refused without it, and the ledger keeps the name with it."""

import pytest
from snowflake.snowpark import Session

from snowloop.errors import ApprovalRefused
from snowloop.lifecycle.champion import ledger
from snowloop.lifecycle.champion.approval import Approval, check_approved
from snowloop.lifecycle.data.environment import create_environment
from snowloop.lifecycle.gate.verdict import Verdict
from snowloop.project import Approval as Declared
from snowloop.workspace import Workspace
from tests.support.judged import CREDIT

ASKED = CREDIT.model_copy(update={"approval": Declared(targets=("prod",))})
VERDICT = Verdict("id", "V2", "V1", "abc", (), kept=False)


@pytest.mark.parametrize(
    ("approval", "says"),
    [
        (None, "for V2 there is none"),
        (Approval("V2"), "for V2 there is none"),
        (Approval("V1", "ada"), "for V2 ada approved V1"),
    ],
)
def test_without_a_yes_for_this_version_nothing_is_promoted(approval: Approval | None, says: str):
    with pytest.raises(ApprovalRefused, match=says):
        check_approved(ASKED, "prod", VERDICT, approval)


def test_a_yes_passes_and_so_does_an_environment_without_the_rule():
    check_approved(ASKED, "prod", VERDICT, Approval("V2", "ada"))
    check_approved(ASKED, "dev", VERDICT, None)
    check_approved(CREDIT, "prod", VERDICT, None)


def test_the_ledger_keeps_who_approved_and_why(session: Session):
    create_environment(Workspace(session, ASKED, "approved"))
    change = ledger.Change(ledger.PROMOTE, None, "V2", "id", "abc", approval=Approval("V2", "Ada O'Hara", "fine"))
    ledger.append(Workspace(session, ASKED, "approved"), change)
    (entry,) = ledger.entries(Workspace(session, ASKED, "approved"))
    assert (entry.approved_by, entry.approval_reason, entry.override_by) == ("Ada O'Hara", "fine", None)
