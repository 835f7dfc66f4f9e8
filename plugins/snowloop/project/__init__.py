"""A project's declaration: what a user writes to add a model, validated."""

from snowloop.errors import ProjectError
from snowloop.project.challenger import Challenger
from snowloop.project.contract import Contract, OnArrival, OnTraining
from snowloop.project.declaration import Environment, Project, Replay, Schedule, Serving
from snowloop.project.durations import in_words
from snowloop.project.evaluation import Approval, EvaluationPlan, Gate, Leakage, Metric, Slice
from snowloop.project.label import METRICS, Label
from snowloop.project.loading import declared_projects, include_dir, load_project, project_folders, usable_projects
from snowloop.project.monitoring import Monitoring
from snowloop.project.sources import Column, RowId, Source
from snowloop.project.training import Candidate, Limits, Search, Split

__all__ = [
    "METRICS",
    "Approval",
    "Candidate",
    "Challenger",
    "Column",
    "Contract",
    "Environment",
    "EvaluationPlan",
    "Gate",
    "Label",
    "Leakage",
    "Limits",
    "Metric",
    "Monitoring",
    "OnArrival",
    "OnTraining",
    "Project",
    "ProjectError",
    "Replay",
    "RowId",
    "Schedule",
    "Search",
    "Serving",
    "Slice",
    "Source",
    "Split",
    "declared_projects",
    "in_words",
    "include_dir",
    "load_project",
    "project_folders",
    "usable_projects",
]
