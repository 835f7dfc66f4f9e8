"""Alerts in OPS: one look at a time, what a person decides, and messages that each notifier sends once."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from snowflake.snowpark import Session

from local_snowflake.testing import LocalSnowflake
from snowloop.airflow.notify import delivery_name, send_alerts
from snowloop.errors import AlertError, NotificationError
from snowloop.lifecycle.monitoring import alert_store as store
from snowloop.project import Alerts, Notifier, Project, load_project
from snowloop.workspace import Workspace
from tests.support.mailbox import Mailbox, mailbox

MAIL = "airflow.providers.smtp.notifications.smtp.SmtpNotifier"
ARGUMENTS = {"to": "oncall@example.org", "from_email": "loop@example.org", "subject": "{{ alert.subject }}"}


FIRST = datetime.now(UTC).date() - timedelta(days=60)
"""The day of the first window."""


def declared(*notify: Notifier) -> Project:
    project = load_project("diabetes_progression")
    alerts = Alerts(silent_after={}, notify=notify)
    return project.model_copy(update={"monitoring": project.monitoring.model_copy(update={"alerts": alerts})})


def rows(workspace: Workspace, query: str) -> list[Any]:
    return workspace.session.sql(query.replace("{db}", workspace.database)).collect()


def judge(workspace: Workspace, *values: float, signal: str = "volume", first: int = 0, version: str = "NULL") -> None:
    """A window of a day for each value, whose bound is 1."""
    for place, value in enumerate(values, first):
        rows(
            workspace,
            "INSERT INTO {db}.OPS.MONITORING_CHECKS (NAME, MODEL_VERSION, WINDOW_START, WINDOW_END, VALUE, BOUND,"
            f" PASSED, REASON, CHECKED_AT) SELECT '{signal}', {version},"
            f" DATEADD('day', {place}, '{FIRST}'::TIMESTAMP_NTZ),"
            f" DATEADD('day', {place + 1}, '{FIRST}'::TIMESTAMP_NTZ), {value}, 1, {value <= 1}, 'it is {value}',"
            " SYSDATE()",
        )


def test_alerts_are_stored_once_and_read_back_as_they_are(workspace: Workspace):
    judge(workspace, 2, 2)
    assert store.update_alerts(workspace, "V1").alerts == ()
    judge(workspace, 2, first=2)
    (alert,) = store.update_alerts(workspace, "V1").alerts
    assert store.list_alerts(workspace).alerts == (alert,)
    again = store.update_alerts(workspace, "V1")
    assert (again.alerts, again.events) == ((), ())
    (event,) = rows(workspace, "SELECT * FROM {db}.OPS.ALERT_EVENTS")
    assert event["MESSAGE"] == "diabetes_progression in alerts: warning volume opened: it is 2"
    judge(workspace, 0.1, 0.1, 0.1, first=3)
    store.update_alerts(workspace, "V1")
    assert store.list_alerts(workspace).alerts == ()
    (shown,) = rows(workspace, "SELECT STATE, SIGNAL, HOURS_OPEN, MUTED, LAST_ACTION FROM {db}.OPS.ALERT_HISTORY")
    assert tuple(shown)[:2] == ("closed", "volume")
    assert 0 <= shown["HOURS_OPEN"] < 1
    assert (shown["MUTED"], shown["LAST_ACTION"]) == (False, None)


def test_a_window_that_is_judged_again_counts_by_its_last_judgement(workspace: Workspace):
    judge(workspace, 2, 2, 2)
    judge(workspace, 0.5, first=2)
    assert store.update_alerts(workspace, "V1").alerts == ()


def test_windows_of_long_ago_open_nothing_and_those_of_an_open_alert_count(workspace: Workspace):
    judge(workspace, 2, 2, 2, first=-400)
    assert store.update_alerts(workspace, "V1").alerts == (), "nobody looked in time"
    rows(workspace, "DELETE FROM {db}.OPS.MONITORING_CHECKS")
    judge(workspace, 2, 2, 2)
    (alert,) = store.update_alerts(workspace, "V1").alerts
    judge(workspace, 0.1, 0.1, 0.1, first=3)
    for column in (
        "ALERTS.FIRST_SEEN",
        "ALERTS.LAST_SEEN",
        "MONITORING_CHECKS.WINDOW_START",
        "MONITORING_CHECKS.WINDOW_END",
    ):
        table, name = column.split(".")
        rows(workspace, f"UPDATE {{db}}.OPS.{table} SET {name} = DATEADD('day', -400, {name})")
    (closed,) = store.update_alerts(workspace, "V1").alerts
    assert (closed.alert_id, closed.state) == (alert.alert_id, "closed")


def test_windows_of_other_versions_and_those_that_were_not_judged_open_nothing(workspace: Workspace):
    judge(workspace, 2, 2, 2, version="'V0'")
    judge(workspace, 2, 2, 2, signal="latency")
    rows(workspace, "UPDATE {db}.OPS.MONITORING_CHECKS SET PASSED = NULL WHERE NAME = 'latency'")
    assert store.update_alerts(workspace, "V1").alerts == ()


@pytest.mark.slow
def test_looks_at_the_same_time_open_one_alert(workspace: Workspace, local_snowflake: LocalSnowflake):
    judge(workspace, 2, 2, 2)
    problems: list[Exception] = []

    def look() -> None:
        own = Session.builder.configs(local_snowflake.connection()).create()
        try:
            store.update_alerts(Workspace(own, workspace.project, workspace.target), "V1")
        except Exception as error:  # noqa: BLE001 - shown by the test
            problems.append(error)
        finally:
            own.close()

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems
    assert [row["EVENT"] for row in rows(workspace, "SELECT EVENT FROM {db}.OPS.ALERT_EVENTS")] == ["opened"]


def test_a_look_that_fails_half_way_leaves_nothing(workspace: Workspace, monkeypatch: pytest.MonkeyPatch):
    judge(workspace, 2, 2, 2)
    run = Workspace.run

    def failing(self: Workspace, template: str, **values: Any) -> Any:
        if template.endswith("#save_events"):
            raise RuntimeError("killed")
        return run(self, template, **values)

    monkeypatch.setattr(Workspace, "run", failing)
    with pytest.raises(RuntimeError, match="killed"):
        store.update_alerts(workspace, "V1")
    monkeypatch.undo()
    assert rows(workspace, "SELECT * FROM {db}.OPS.ALERTS") == []
    assert len(store.update_alerts(workspace, "V1").events) == 1


def test_a_person_acknowledges_mutes_and_closes_with_a_reason_that_is_kept(workspace: Workspace):
    judge(workspace, 2, 2, 2)
    store.update_alerts(workspace, "V1")
    (alert,) = store.acknowledge(workspace, "volume", by="ada", reason="I look").alerts
    assert alert.state == "acknowledged"
    (alert,) = store.mute(workspace, alert.alert_id, until=timedelta(days=2), by="bob", reason="holidays").alerts
    assert alert.muted_until is not None
    assert "muted until" in store.list_alerts(workspace).text()
    store.close(workspace, "volume", by="ada", reason="not measured any more")
    assert store.list_alerts(workspace).text() == "no alerts are open"
    assert [each.state for each in store.list_alerts(workspace, closed=True).alerts] == ["closed"]
    kept = rows(
        workspace, "SELECT EVENT, DONE_BY, REASON FROM {db}.OPS.ALERT_EVENTS WHERE DONE_BY IS NOT NULL ORDER BY 1"
    )
    assert [tuple(each) for each in kept] == [
        ("acknowledged", "ada", "I look"), ("closed", "ada", "not measured any more"), ("muted", "bob", "holidays"),
    ]  # fmt: skip
    (shown,) = rows(workspace, "SELECT MUTED, LAST_ACTION, LAST_ACTION_BY FROM {db}.OPS.ALERT_HISTORY")
    assert tuple(shown) == (True, "closed", "ada")


def test_what_a_person_cannot_do_is_refused_with_the_alerts_there_are(workspace: Workspace):
    with pytest.raises(AlertError, match=r"no alert volume is open in DIABETES_PROGRESSION_ALERTS: .* id: none"):
        store.acknowledge(workspace, "volume", by="ada", reason="I look")
    judge(workspace, 2, 2, 2)
    store.update_alerts(workspace, "V1")
    with pytest.raises(AlertError, match=r"no alert volumes is open .*\(volume\)"):
        store.close(workspace, "volumes", by="ada", reason="why")
    with pytest.raises(AlertError, match=r"give a reason, which is recorded"):
        store.close(workspace, "volume", by="ada", reason=" ")
    with pytest.raises(AlertError, match=r"volume cannot be muted until .* UTC, which is over: name a later time"):
        store.mute(workspace, "volume", until=timedelta(seconds=-1), by="ada", reason="why")
    assert [each.state for each in store.list_alerts(workspace).alerts] == ["open"]


@pytest.fixture
def mail(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    with mailbox() as server:
        uri = f"smtp://127.0.0.1:{server.port}/?disable_ssl=true&disable_tls=true&retry_limit=0"
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", uri)
        yield server


def sending(workspace: Workspace, *notify: Notifier) -> Workspace:
    return Workspace(workspace.session, declared(*notify), workspace.target)


def test_an_airflow_notifier_sends_each_message_once_several_as_one(workspace: Workspace, mail: Mailbox):
    notifier = Notifier(notifier=MAIL, arguments={**ARGUMENTS, "html_content": "{{ alert.text }}"}, targets=["alerts"])
    elsewhere = Notifier(notifier=MAIL, arguments={**ARGUMENTS, "to": "nobody@example.org"}, targets=["prod"])
    given = sending(workspace, notifier, elsewhere)
    judge(workspace, 2, 2, 2)
    judge(workspace, 3, 3, 3, signal="latency")
    store.update_alerts(given, "V1")
    assert send_alerts(given, {}) == 2
    assert send_alerts(given, {}) == 0
    (message,) = mail.messages
    assert message["To"] == "oncall@example.org"
    assert message["Subject"] == "diabetes_progression in alerts: 2 alerts"
    text = next(part for part in message.walk() if part.get_content_type() == "text/html").get_content()
    assert "warning volume opened: it is 2" in text
    assert "error latency opened: it is 3" in text
    kept = rows(workspace, "SELECT NOTIFIER FROM {db}.OPS.ALERT_DELIVERIES")
    assert [each["NOTIFIER"] for each in kept] == [delivery_name(notifier)] * 2


def test_a_notifier_that_fails_is_reported_the_others_send_and_it_is_tried_again(workspace: Workspace, mail: Mailbox):
    good = Notifier(notifier=MAIL, arguments={**ARGUMENTS, "html_content": "{{ alert.text }}"})
    missing = Notifier(notifier="airflow.providers.nowhere.Notifier")
    given = sending(workspace, missing, good)
    judge(workspace, 2, 2, 2)
    store.update_alerts(given, "V1")
    mail.refuse = True
    with pytest.raises(
        NotificationError, match=r"not sent by .*nowhere.*; .*SmtpNotifier: .*correct monitoring\.alerts"
    ):
        send_alerts(given, {})
    mail.refuse = False
    with pytest.raises(NotificationError, match="nowhere") as raised:
        send_alerts(given, {})
    assert "SmtpNotifier" not in str(raised.value)
    assert [each["Subject"] for each in mail.messages] == ["diabetes_progression in alerts: warning volume opened"]
    assert send_alerts(sending(workspace, good), {}) == 0


def test_a_message_older_than_a_day_is_not_sent_any_more(workspace: Workspace, mail: Mailbox):
    given = sending(workspace, Notifier(notifier=MAIL, arguments=ARGUMENTS))
    judge(workspace, 2, 2, 2)
    store.update_alerts(given, "V1")
    rows(workspace, "UPDATE {db}.OPS.ALERT_EVENTS SET DONE_AT = DATEADD('hour', -25, SYSDATE())")
    assert send_alerts(given, {}) == 0
    assert not mail.messages
