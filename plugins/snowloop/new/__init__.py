"""Writes the first declaration of a project by a look at a file, and a repository around it.

It imports no Airflow and opens no connection.
"""

from snowloop.new.files import NewProject, new_project
from snowloop.new.repository import Repository, new_repository

__all__ = ["NewProject", "Repository", "new_project", "new_repository"]
