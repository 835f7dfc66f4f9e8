"""Which Airflow connection leads to a target."""

from snowloop.project import Project

DEFAULT = "snowflake_default"


def connection_id(project: Project, target: str, given: str | None) -> str:
    """The id of the connection: one that an operator is given, or that targets.yaml declares, or snowflake_default.

    Args:
        project: The project.
        target: The target.
        given: What the operator is given, or None.

    Returns:
        The id.
    """
    declared = project.targets.find(target)
    return given or (declared.airflow_connection if declared else None) or DEFAULT
