"""Sends the messages of alerts by the declared Airflow notifiers: each message once by each notifier."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from snowloop.airflow.notices import notifiers, send
from snowloop.errors import NotificationError
from snowloop.lifecycle.monitoring import alert_store as store
from snowloop.markdown import message_line
from snowloop.project import Notifier
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from airflow.sdk import Context


def send_alerts(workspace: Workspace, context: Context) -> int:
    """Send what each notifier of the environment has not sent yet; several messages go out as one.

    What was sent is recorded after it was sent: a task that is killed in between sends it again.

    Args:
        context: The context of the task, which the notifiers' templates know, with ``alert`` in addition.

    Returns:
        How many messages were sent, counted once for each notifier.

    Raises:
        NotificationError: if a notifier fails; the others have sent, and its messages are tried again next time.
    """
    sent, problems, cause = 0, [], None
    for declared in notifiers(workspace.project, workspace.target):
        name = delivery_name(declared)
        messages = store.unsent(workspace, name)
        if not messages:
            continue
        try:
            send(declared, _alert(workspace, messages), context)
        except Exception as error:  # noqa: BLE001 - a notifier may raise anything; the others still send
            problems.append(f"{declared.notifier}: {type(error).__name__}: {error}")
            cause = cause or error
            continue
        store.record_delivery(workspace, name, messages)
        sent += len(messages)
    if problems:
        message = (
            f"alerts of {workspace.project.name} in {workspace.target} were not sent by {'; '.join(problems)}: correct "
            "monitoring.alerts.notify or the Airflow connection; they are sent by the next run of this task, for a day"
        )
        raise NotificationError(message) from cause
    return sent


def delivery_name(declared: Notifier) -> str:
    """What a notifier is called in OPS.ALERT_DELIVERIES: its class, and a hash of its arguments."""
    arguments = json.dumps(declared.arguments, sort_keys=True, default=str)
    return f"{declared.notifier.rpartition('.')[2]}:{hashlib.sha256(arguments.encode()).hexdigest()[:8]}"


def _alert(workspace: Workspace, messages: Sequence[store.Message]) -> dict[str, Any]:
    """What the templates of a notifier know of some messages; each text is one line that mentions and links nothing."""
    events = [
        {name: message_line(value) if isinstance(value, str) else value for name, value in asdict(message).items()}
        for message in messages
    ]
    first = events[0]
    several = len(messages) > 1
    return {
        "subject": f"{workspace.project.name} in {workspace.target}: "
        + (f"{len(messages)} alerts" if several else f"{first['severity']} {first['signal']} {first['event']}"),
        "text": "\n".join(event["text"] for event in events),
        "events": events,
        "project": workspace.project.name,
        "target": workspace.target,
    }
