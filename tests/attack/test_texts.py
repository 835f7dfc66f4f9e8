"""Poisoned names, categories and messages in reports, comments, notes, notices and hints: shown, and never read."""

import os
import random
import re
import shlex
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from snowloop.airflow import notices, notify
from snowloop.airflow.run_notes import compose_note
from snowloop.cli import options
from snowloop.command_line import command
from snowloop.lifecycle.ci.markdown import markdown as comment
from snowloop.lifecycle.monitoring.alert_store import Message
from snowloop.lifecycle.report.monitoring.page import monitoring_html
from snowloop.lifecycle.report.render import html, markdown
from snowloop.markdown import code, code_block, escaped, message_line
from snowloop.project import Notifier
from tests.attack.texts import POISONS, check_markdown, poisoned, random_text, tokens
from tests.lifecycle.ci.test_markdown import REVIEW
from tests.lifecycle.report.monitoring_history import made_history
from tests.lifecycle.report.test_report_pages import CARDS, Page

OUTCOMES = frozenset({"outcome", "kind", "asked", "role", "severity", "state"})
"""Words of Snowloop itself, by which a template chooses what it shows."""
PARAGRAPH = ("paragraph_open", "inline", "text", "text_special", "paragraph_close")
SETTINGS = frozenset({"settings", "task", "metric", "roc", "precision_recall", "curves", "values", "card"})
DETAILS = ("<details>", "</details>", "<summary>", "</summary>")


def check_pages(text: str) -> None:
    """All that is Markdown, with one text everywhere."""
    for card in CARDS.values():
        check_markdown(markdown(poisoned(card, text, OUTCOMES | SETTINGS)), html=DETAILS)
    review = poisoned(REVIEW, text, OUTCOMES)
    check_markdown(
        comment(replace(review, card=""), {"run": "https://ci.test/1"}), frozenset({"https://ci.test/1"}), DETAILS
    )
    task: Any = SimpleNamespace(task_id="load", state="failed", duration=1.0, map_index=-1, rendered_map_index=text)
    check_markdown(compose_note([task], {("load", -1, "reason"): text}))
    if text.strip() != "-":  # a figure that is missing
        assert {token.type for token in tokens(f"{escaped(text)}\n")} <= {*PARAGRAPH}
    check_markdown(f"- {escaped(text)}\n\n{code_block(text)}\n\n{code(text)}\n")
    assert [token.content for token in tokens(str(code_block("a\nb"))) if token.type == "fence"] == ["a\nb\n"]


def check_message(text: str) -> None:
    """A line that no chat, no mailbox and no terminal reads as anything but words."""
    assert len(text.splitlines()) <= 1
    assert not re.search(r"@\w|://|www\.\w|mailto:\w|<[!@#/a-zA-Z]|`", text, re.IGNORECASE), text
    assert not re.search(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]", text), text


@pytest.mark.parametrize("text", POISONS, ids=range(len(POISONS)))
def test_a_poisoned_text_is_shown_and_never_read(text: str):
    check_pages(text)
    check_message(message_line(text))


@pytest.mark.slow
def test_a_page_holds_no_tag_of_a_poisoned_text():
    text = POISONS[4] + POISONS[9] + POISONS[13]
    for written in (
        html(poisoned(CARDS["classification"], text, OUTCOMES | SETTINGS)),
        monitoring_html(poisoned(made_history(), text, OUTCOMES)),
    ):
        page = Page(written)
        assert page.open == []
        assert not {"script", "img", "a", "iframe", "details"} & set(page.tags)
        assert not [name for _, name, _ in page.attributes if name.startswith("on")]
        assert page.words.count(" ".join(text.split())) + page.words.count(text) >= 3


def test_messages_of_alerts_and_notices_are_lines_of_words(monkeypatch: pytest.MonkeyPatch):
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(notices, "send", lambda _declared, alert, _context: sent.append(alert))
    monkeypatch.setattr(notices, "notifiers", lambda *_: [Notifier(notifier="a.B")])
    workspace: Any = SimpleNamespace(project=SimpleNamespace(name="churn"), target="prod")
    for text in POISONS:
        message = Message("1.1", "1", "opened", datetime(2026, 1, 1, tzinfo=UTC), "error", f"drift:{text}", text)
        sent.append(notify._alert(workspace, [message]))
        sent.append(notify._alert(workspace, [message, message]))
        run = SimpleNamespace(task_id=text, dag_id="churn__train", run_id=text)
        context: Any = {
            "ti": run,
            "exception": ValueError(text),
            "params": {"target": "prod"},
            "dag_run": SimpleNamespace(),
        }
        notices.ProjectNotifier(project="credit_approval", notice="failure").notify(context)
    assert len(sent) == 3 * len(POISONS)
    for alert in sent:
        for each in (alert["subject"], *alert["text"].split("\n")):
            check_message(each)
        for event in alert["events"]:
            check_message(event["text"])
            check_message(event["signal"])


def test_a_hint_is_one_command_whatever_a_name_holds():
    for text in POISONS:
        assert shlex.split(command("report", project=text, version=text)) == [
            "snowloop", "report", "--project", text, "--version", text
        ]  # fmt: skip
    assert command("status", project="churn", if_needed="x") == "snowloop status --project churn --if-needed x"


def test_a_terminal_is_not_steered(capsys: pytest.CaptureFixture[str]):
    for write in (options.say, options.note):
        write(POISONS[10])
    written = capsys.readouterr()
    for shown in written:
        assert "\\x1b[31mred" in shown
        assert not re.search(r"[\x00-\x08\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]", shown)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_random_texts_are_shown_and_never_read():
    """As many as SNOWLOOP_ATTACKS says, by the seed SNOWLOOP_SEED."""
    seed, count = int(os.environ.get("SNOWLOOP_SEED", "1")), int(os.environ.get("SNOWLOOP_ATTACKS", "40"))
    chance = random.Random(seed)
    for _ in range(count):
        text = random_text(chance)
        check_pages(text)
        check_message(message_line(text))
