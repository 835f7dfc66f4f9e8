"""Labels that are known by now: no other may train, judge, compare or monitor a version."""

from snowloop.lifecycle.data.contract import checked_rows
from snowloop.project import Project
from snowloop.sql import identifier, render, render_project


def known_moment(project: Project, event_time: str | None = None) -> str | None:
    """Expression over L (the label) and the row: when the label became known; None if that is not declared.

    Args:
        project: The project.
        event_time: Expression of the row's event time; None: its column of C.
    """
    label = project.label
    if label.known_at:
        return f"L.{identifier(label.known_at)}::TIMESTAMP_NTZ"
    if label.known_after and project.streamed.event_time:
        moment = event_time or f"C.{identifier(project.streamed.event_time)}::TIMESTAMP_NTZ"
        return f"DATEADD('second', {int(label.known_after.total_seconds())}, {moment})"
    return None


def is_known(project: Project, event_time: str | None = None) -> str:
    """Predicate over L (the label) and the row, as ``known_moment``: the label is known by now; never NULL."""
    moment = known_moment(project, event_time)
    return f"COALESCE({moment} <= SYSDATE(), FALSE)" if moment else "TRUE"


def known_labels(project: Project, target: str) -> str:
    """The query of label.sql without the labels that are not known yet by ``label.known_after`` or ``label.known_at``.

    Until then a label may be there and still change: a loan that has not defaulted in its first week, say.

    Args:
        project: The project.
        target: The environment.

    Returns:
        The query, of the columns of label.sql.
    """
    label = render_project(project, "label.sql", raw=identifier(project.database(target), "RAW"))
    if known_moment(project) is None:
        return label
    return render(
        "features/queries.sql#known_labels",
        label=label,
        known=is_known(project),
        key=project.row_key,
        checked=checked_rows(project, target) if project.label.known_after else None,
    )
