"""A project's declaration: what a user writes to add a model, validated."""

from snowloop.errors import ProjectError
from snowloop.project.alerts import Alerts, CloseRule, Notifier, OpenRule
from snowloop.project.challenger import Challenger
from snowloop.project.champion import Champion, Probation
from snowloop.project.contract import Contract, OnArrival, OnTraining
from snowloop.project.declaration import Environment, Project, Replay, Schedule
from snowloop.project.durations import in_words
from snowloop.project.evaluation import PROTECTED, Approval, EvaluationPlan, Fairness, Gate, Leakage, Metric, Slice
from snowloop.project.files.loading import (
    declared_projects,
    include_dir,
    load_project,
    project_folders,
    usable_projects,
)
from snowloop.project.label import METRICS, Label
from snowloop.project.monitoring import DataHealth, Monitoring, Performance
from snowloop.project.serving import Serving
from snowloop.project.sources import MAX_REJECTED_SHARE, Column, RowId, Source
from snowloop.project.training import Candidate, Limits, Search, Split

__all__ = [
    "MAX_REJECTED_SHARE",
    "METRICS",
    "PROTECTED",
    "Alerts",
    "Approval",
    "Candidate",
    "Challenger",
    "Champion",
    "CloseRule",
    "Column",
    "Contract",
    "DataHealth",
    "Environment",
    "EvaluationPlan",
    "Fairness",
    "Gate",
    "Label",
    "Leakage",
    "Limits",
    "Metric",
    "Monitoring",
    "Notifier",
    "OnArrival",
    "OnTraining",
    "OpenRule",
    "Performance",
    "Probation",
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
