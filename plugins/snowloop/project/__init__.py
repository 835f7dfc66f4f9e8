"""A project's declaration: what a user writes to add a model, validated."""

from snowloop.errors import ProjectError
from snowloop.project.contract import Contract
from snowloop.project.declaration import (
    Environment,
    Project,
    Replay,
    Schedule,
    Serving,
)
from snowloop.project.evaluation import EvaluationPlan, Gate, Leakage, Metric, Slice
from snowloop.project.label import Label
from snowloop.project.loading import declared_projects, include_dir, load_project, project_folders, usable_projects
from snowloop.project.sources import Column, RowId, Source
from snowloop.project.training import Candidate, Split

__all__ = [
    "Candidate",
    "Column",
    "Contract",
    "Environment",
    "EvaluationPlan",
    "Gate",
    "Label",
    "Leakage",
    "Metric",
    "Project",
    "ProjectError",
    "Replay",
    "RowId",
    "Schedule",
    "Serving",
    "Slice",
    "Source",
    "Split",
    "declared_projects",
    "include_dir",
    "load_project",
    "project_folders",
    "usable_projects",
]
