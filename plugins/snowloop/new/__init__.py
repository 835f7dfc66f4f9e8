"""Writes the first declaration of a project by looking at a file; it imports no Airflow and opens no connection."""

from snowloop.new.files import NewProject, new_project

__all__ = ["NewProject", "new_project"]
