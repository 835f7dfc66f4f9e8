"""What is wrong with the bounds that targets declare for one project."""

from collections.abc import Iterator

from snowloop.project.declaration import Project
from snowloop.project.targets import HIGHER, LOWER, Target, Targets, looser, strictest


def bound_problems(targets: Targets, project: Project) -> Iterator[str]:
    """What is wrong with a project's bounds in the targets; bounds of all projects have been checked before.

    Args:
        targets: The declared targets.
        project: The project, as it declares itself.
    """
    for name, target in targets.targets.items():
        yield from _fairness_problems(project, name, target)
        for source in target.accepts_from or ():
            given = _of_project(project, targets.find(source) or Target())
            for bound, (stricter, upper) in _of_project(project, target).items():
                lower = given[bound][1]
                if lower is not None and (upper is None or strictest(upper, lower, stricter) != upper):
                    yield looser(bound, name, upper, source, lower)


def _of_project(project: Project, target: Target) -> dict[str, tuple[str, float | None]]:
    """The bounds that a target declares for one project: which value is the stricter one, and the bound."""
    better = HIGHER if project.metric.higher_is_better else LOWER
    gaps = target.gate.of_fairness(project.name)
    return {
        f"metric.{project.name}": (better, target.gate.of_metric(project.name)),
        **{f"fairness.{project.name}.{figure}": (LOWER, bound) for figure, bound in gaps.items()},
    }


def _fairness_problems(project: Project, name: str, target: Target) -> Iterator[str]:
    """What does not fit the project of the gaps that a target bounds."""
    if all(bound is None for bound in target.gate.of_fairness(project.name).values()):
        return
    _, gate = target.gate.stricter(project.name, project.metric, project.gate)
    for problem in gate.fairness.problems(project.label.task, project.evaluation.slices):
        yield f"gate.fairness.{project.name} of target {name}: {problem}"
