"""Random task graphs run, with a fake executor, as a plain model of the rules says."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from local_snowflake.tasks.graph import GRAPHS, Graph, Node
from local_snowflake.tasks.runs import GraphRun, State

OUTCOMES = st.sampled_from([State.SUCCEEDED, State.SUCCEEDED, State.SUCCEEDED, State.FAILED, State.SKIPPED])


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """A root, up to seven tasks after it or after one another, maybe a finalizer; some are suspended."""
    nodes = {"N0": Node("N0", "N0", resumed=draw(st.booleans()))}
    for i in range(1, draw(st.integers(1, 8))):
        above = draw(st.sets(st.sampled_from(sorted(nodes)), min_size=1, max_size=3))
        nodes[f"N{i}"] = Node(f"N{i}", f"N{i}", predecessors=tuple(sorted(above)), resumed=draw(st.integers(0, 3)) > 0)
    last = "Z" if draw(st.booleans()) else None
    if last:
        nodes[last] = Node(last, last, resumed=draw(st.integers(0, 3)) > 0)
    return Graph("D", "S", "N0", nodes, last, retries=draw(st.integers(0, 2)))


def play(run: GraphRun, data: st.DataObject) -> list[tuple[str, int, State]]:
    """Run to the end: up to three tasks at once, which end in any order; returns (task, attempt, outcome) by start."""
    log: list[tuple[str, int, State]] = []
    busy: list[str] = []
    while True:
        for name in run.ready():
            run.started(name)
            busy.append(name)
        if busy:
            name = busy.pop(data.draw(st.integers(0, len(busy) - 1)))
            outcome = data.draw(OUTCOMES)
            run.finished(name, outcome)
            log.append((name, run.attempt, outcome))
        elif run.may_retry:
            assert run.attempt_over
            run.retry()
        else:
            assert run.attempt_over
            return log


def model(graph: Graph, outcomes: dict[tuple[str, int], State]) -> tuple[dict[str, State], int]:
    """What the rules say, written down plainly: T5 - T8. ``outcomes`` tells how a task's run in an attempt ends.

    Children in the order of their numbers come after their predecessors.
    """
    done: dict[str, State] = {}
    attempt = 1
    while True:
        for name in sorted(n for n in graph.nodes if n != graph.finalizer):
            node = graph.nodes[name]
            above = [p for p in node.predecessors if graph.nodes[p].resumed or p == graph.root]
            runs = name == graph.root or (
                node.resumed and above != [] and all(done.get(p) == State.SUCCEEDED for p in above)
            )
            if runs and done.get(name) in {None, State.FAILED}:
                done[name] = outcomes[name, attempt]
        failed = any(s == State.FAILED for n, s in done.items() if n != graph.finalizer)
        last = graph.finalizer
        if not (failed and attempt <= graph.retries):
            if (
                last
                and graph.nodes[last].resumed
                and done[graph.root] != State.SKIPPED
                and done.get(last) in {None, State.FAILED}
            ):
                done[last] = outcomes[last, attempt]
            if not (State.FAILED in done.values() and attempt <= graph.retries):
                return done, attempt
        attempt += 1


@settings(max_examples=300, deadline=None)
@given(graphs(), st.data())
def test_a_run_ends_as_the_rules_say(graph: Graph, data: st.DataObject) -> None:
    run = GraphRun(graph)
    log = play(run, data)
    outcomes = {(name, attempt): outcome for name, attempt, outcome in log}
    assert len(outcomes) == len(log), "a task ran twice in one attempt"
    done, attempts = model(graph, outcomes)
    assert {n: s for n, s in run.states.items() if s != State.WAITING} == done
    assert run.attempt == attempts
    assert set(outcomes) == {k for k in outcomes if k[1] <= attempts}


@settings(max_examples=200, deadline=None)
@given(graphs(), st.data())
def test_a_task_runs_after_its_predecessors_and_the_finalizer_last(graph: Graph, data: st.DataObject) -> None:
    log = play(GraphRun(graph), data)
    for index, (name, _, _) in enumerate(log):
        succeeded = {n for n, _, s in log[:index] if s == State.SUCCEEDED}
        if name == graph.finalizer:
            assert all(n == name for n, _, _ in log[index:])
            assert (graph.root, State.SKIPPED) not in {(n, s) for n, _, s in log}
        elif name != graph.root:
            above = graph.nodes[name].predecessors
            assert graph.nodes[name].resumed
            assert succeeded & set(above)
            assert all(p in succeeded for p in above if graph.nodes[p].resumed or p == graph.root)


@settings(max_examples=100, deadline=None)
@given(graphs(), st.data())
def test_a_run_can_be_left_and_gone_on_with(graph: Graph, data: st.DataObject) -> None:
    """A server that dies between two steps loses nothing: the states are all that a run is."""
    run = GraphRun(graph)
    busy: list[str] = []
    for _ in range(30):
        run = GraphRun(GRAPHS.validate_json(GRAPHS.dump_json(graph)), dict(run.states), run.attempt)
        for name in run.ready():
            run.started(name)
            busy.append(name)
        if not busy and not run.may_retry:
            break
        if busy:
            run.finished(busy.pop(), data.draw(OUTCOMES))
        else:
            run.retry()
    assert run.attempt_over
    assert State.EXECUTING not in run.states.values()


def node(name: str, *above: str, **more: Any) -> Node:
    return Node(name, name, predecessors=above, **more)


def finish(run: GraphRun, **outcomes: State) -> list[str]:
    order = []
    while names := run.ready():
        for name in names:
            run.started(name)
            order.append(name)
            run.finished(name, outcomes.get(name, State.SUCCEEDED))
    return order


def test_a_suspended_predecessor_counts_as_successful_beside_a_resumed_one() -> None:
    nodes = [node("R"), node("A", "R", resumed=False), node("B", "R"), node("C", "A", "B"), node("D", "A")]
    assert finish(GraphRun(Graph("D", "S", "R", {n.name: n for n in nodes}))) == ["R", "B", "C"]


def test_a_failure_stops_its_branch_only_and_the_finalizer_runs() -> None:
    nodes = [node("R"), node("A", "R"), node("B", "R"), node("C", "A"), node("D", "B"), node("F")]
    run = GraphRun(Graph("D", "S", "R", {n.name: n for n in nodes}, "F"))
    assert finish(run, A=State.FAILED) == ["R", "A", "B", "D", "F"]
    assert run.outcome == State.FAILED


def test_a_skipped_root_runs_nothing_else_not_even_the_finalizer() -> None:
    run = GraphRun(Graph("D", "S", "R", {"R": node("R"), "A": node("A", "R"), "F": node("F")}, "F"))
    assert finish(run, R=State.SKIPPED) == ["R"]
    assert run.outcome == State.SKIPPED


def test_a_retry_begins_at_the_failed_task() -> None:
    run = GraphRun(Graph("D", "S", "R", {"R": node("R"), "A": node("A", "R"), "F": node("F")}, "F", retries=1))
    assert finish(run, A=State.FAILED) == ["R", "A"]
    run.retry()
    assert finish(run) == ["A", "F"]
    assert run.outcome == State.SUCCEEDED
