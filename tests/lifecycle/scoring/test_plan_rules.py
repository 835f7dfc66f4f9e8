"""Plans of the scoring loop: what is made, changed and kept, in which order, and what is refused and why."""

import json
from dataclasses import replace

import pytest

from snowloop.errors import PlanRefused
from snowloop.lifecycle.data.tables import FoundTable, Problem
from snowloop.lifecycle.features.feature import Feature
from snowloop.lifecycle.features.formula import Formula
from snowloop.lifecycle.features.point_in_time import declared_formula
from snowloop.lifecycle.scoring.desired import desired_state
from snowloop.lifecycle.scoring.observed import ObservedState, UnfinishedRecovery
from snowloop.lifecycle.scoring.plan import Plan, RequireEmptyStream, RunSql, Upload, WaitForRuns, make_plan
from snowloop.lifecycle.versions import Version
from snowloop.project import Label, Project, load_project
from tests.support.bank import bank
from tests.support.loops import FACTS, FEATURES, deployed, desired, environment, stream

TASKS = ("SCORE_NEW_ROWS", "REFRESH_MONITORING", "LOG_SCORE_RUN")


@pytest.fixture
def project() -> Project:
    return load_project("credit_approval")


def planned(project: Project, observed: ObservedState) -> Plan:
    return make_plan(project, "dev", desired(project), observed)


def actions(plan: Plan) -> dict[str, str]:
    return {change.name.rpartition(".")[2]: change.action for change in plan.changes if change.kind == "task"}


def heads(plan: Plan) -> list[str]:
    """What each step does to which task."""
    done = []
    for step in plan.steps:
        if isinstance(step, WaitForRuns):
            done.append("wait " + step.root.split('"')[-2])
        elif isinstance(step, RunSql) and "TASK " in step.statement:
            text = step.statement
            task = next(name for name in TASKS if f'"{name}"' in text.split("AS CALL")[0].split("AFTER")[0])
            verb = next((word for word in ("SUSPEND", "RESUME") if text.endswith(word)), text.split()[0])
            done.append(f"{verb if verb != '--' else 'CREATE'} {task}")
    return done


def texts(plan: Plan) -> list[str]:
    """The statements; nothing for other steps."""
    return [step.statement if isinstance(step, RunSql) else "" for step in plan.steps]


def test_the_first_plan_makes_everything_and_starts_the_root_last(project):
    plan = planned(project, environment(project))
    assert not plan.refused
    assert {change.action for change in plan.changes} == {"create"}
    assert [type(step) for step in plan.steps[:6]] == [Upload, Upload, RunSql, RunSql, RunSql, RunSql]
    sent = texts(plan)
    stream_at, baseline_at = (
        next(at for at, text in enumerate(sent) if part in text) for part in ("CREATE STREAM", "AT(STREAM")
    )
    assert stream_at < baseline_at < next(at for at, text in enumerate(sent) if "TASK" in text and "CREATE" in text)
    assert heads(plan)[-3:] == ["RESUME REFRESH_MONITORING", "RESUME LOG_SCORE_RUN", "RESUME SCORE_NEW_ROWS"]
    assert uploads(plan) == ["snowloop_procedures.zip", "scoring_request.json"]


def test_what_is_as_declared_needs_no_step(project):
    plan = planned(project, deployed(project))
    assert plan.nothing_to_do
    assert plan.steps == ()
    assert plan.summary() == {"keep": 8}
    assert plan.text().endswith("nothing to do")


def test_another_graph_is_suspended_waited_for_replaced_whole_and_resumed_root_last(project):
    tasks = {name: {**task, "comment": "snowloop old"} for name, task in deployed(project).tasks.items()}
    plan = planned(project, deployed(project, tasks=tasks))
    assert actions(plan) == dict.fromkeys(TASKS, "recreate")
    observed = heads(plan)
    assert observed[:2] == ["SUSPEND SCORE_NEW_ROWS", "wait SCORE_NEW_ROWS"]
    assert observed[-3:] == ["RESUME REFRESH_MONITORING", "RESUME LOG_SCORE_RUN", "RESUME SCORE_NEW_ROWS"]
    assert len(observed) == 8


def test_a_changed_root_changes_the_fingerprint_of_what_follows_it(project):
    serving = project.serving.model_copy(update={"timeout_seconds": 60})
    other = project.model_copy(update={"serving": serving})
    before, after = desired(project).tasks, desired(other).tasks
    assert all(one.comment != two.comment for one, two in zip(before, after, strict=True))


ALTERED = {
    "definition": ("REFRESH_MONITORING", "SELECT 1"),
    "condition": ("SCORE_NEW_ROWS", "TRUE"),
    "schedule": ("SCORE_NEW_ROWS", "60 MINUTE"),
    "warehouse": ("LOG_SCORE_RUN", "SMALLER_WH"),
    "predecessors": ("REFRESH_MONITORING", "[]"),
    "config": ("SCORE_NEW_ROWS", '{"a": 1}'),
    "allow_overlapping_execution": ("SCORE_NEW_ROWS", "true"),
    "task_relations": ("LOG_SCORE_RUN", "{}"),
}


@pytest.mark.parametrize("column", ALTERED)
def test_an_altered_task_is_replaced_though_its_comment_is_right(project, column):
    name, value = ALTERED[column]
    tasks = dict(deployed(project).tasks)
    tasks[name] = {**tasks[name], column: value}
    plan = planned(project, deployed(project, tasks=tasks))
    (reason,) = [change.reason for change in plan.changes if change.name == f"SERVING.{name}"]
    assert reason == f"it was altered: {column}"
    cut_off = TASKS if name == "SCORE_NEW_ROWS" else (name,)
    assert actions(plan) == {task: "recreate" if task in cut_off else "keep" for task in TASKS} | (
        {} if name == "SCORE_NEW_ROWS" else {"SCORE_NEW_ROWS": "resume"}
    )
    assert heads(plan)[-1] == "RESUME SCORE_NEW_ROWS"


def test_a_task_is_compared_without_the_form_in_which_an_account_gives_it_back(project):
    tasks = {}
    for name, task in deployed(project).tasks.items():
        bare = {column: " ".join(str(value).split("\n")) for column, value in task.items() if column != "definition"}
        text = task["definition"].replace("-- a backfill", "\n-- another remark, a backfill").replace("    ", "\t")
        tasks[name] = {**bare, "definition": f"{text} ;", "config": None, "schedule": "null"}
    root = 'CREDIT_APPROVAL_DEV.SERVING."SCORE_NEW_ROWS"'
    tasks["REFRESH_MONITORING"]["predecessors"] = json.dumps([root], indent=2)
    relations = {"FinalizedRootTask": root, "Predecessors": []}
    tasks["LOG_SCORE_RUN"]["task_relations"] = json.dumps(relations, indent=2)
    assert planned(project, deployed(project, tasks=tasks)).nothing_to_do


def test_what_follows_a_missing_root_is_replaced(project):
    tasks = {name: task for name, task in deployed(project).tasks.items() if name != "SCORE_NEW_ROWS"}
    plan = planned(project, deployed(project, tasks=tasks))
    assert actions(plan) == {"SCORE_NEW_ROWS": "create", "REFRESH_MONITORING": "recreate", "LOG_SCORE_RUN": "recreate"}


def test_a_suspended_root_is_resumed_and_nothing_else(project):
    tasks = dict(deployed(project).tasks)
    tasks["SCORE_NEW_ROWS"] = {**tasks["SCORE_NEW_ROWS"], "state": "suspended"}
    plan = planned(project, deployed(project, tasks=tasks))
    assert heads(plan) == ["RESUME SCORE_NEW_ROWS"]
    assert actions(plan)["SCORE_NEW_ROWS"] == "resume"


def test_a_suspended_child_is_resumed_while_the_root_is_suspended(project):
    tasks = dict(deployed(project).tasks)
    tasks["LOG_SCORE_RUN"] = {**tasks["LOG_SCORE_RUN"], "state": "suspended"}
    plan = planned(project, deployed(project, tasks=tasks))
    assert heads(plan) == ["SUSPEND SCORE_NEW_ROWS", "RESUME LOG_SCORE_RUN", "RESUME SCORE_NEW_ROWS"]


def test_a_missing_staged_file_is_uploaded_again(project):
    for missing in ("snowloop_procedures.zip", "scoring_request.json"):
        files = frozenset(each for each in deployed(project).files if missing not in each)
        plan = planned(project, deployed(project, files=files))
        assert uploads(plan) == [missing]
        assert len(plan.steps) == 1


def uploads(plan: Plan) -> list[str]:
    """Names of the files that are uploaded."""
    return [step.path.rpartition("/")[2] for step in plan.steps if isinstance(step, Upload)]


def refused(project: Project, observed: ObservedState, name: str) -> tuple[str, str]:
    """Reason and remedy; nothing is sent."""
    plan = planned(project, observed)
    assert plan.steps == ()
    with pytest.raises(PlanRefused, match="is not deployed"):
        plan.check()
    (change,) = [each for each in plan.refused if each.name == name]
    assert "remedy: " + change.remedy in plan.text()
    return change.reason, change.remedy


def test_nothing_is_deployed_while_a_recovery_is_not_done(project):
    """Its stream can be read: nothing else shows that rows were lost."""
    observed = deployed(project, recovery=UnfinishedRecovery("r1", "2026-01-31 12:00"))
    reason, remedy = refused(project, observed, f"RAW.{project.table}")
    assert "the recovery r1, begun 2026-01-31 12:00 UTC, is not done" in reason
    assert "`snowloop recover` until it is done" in remedy


def test_without_an_environment_nothing_can_be_deployed(project):
    reason, remedy = refused(project, ObservedState(database=False), "CREDIT_APPROVAL_DEV")
    assert "no database" in reason
    assert "credit_approval__environment" in remedy


def test_without_a_champion_nothing_can_score(project):
    reason, remedy = refused(project, environment(project, champion=None), "MODELS.CREDIT_APPROVAL")
    assert "no champion to score with" in reason
    assert "train DAG" in remedy


def test_a_champion_that_takes_other_features_is_named(project):
    facts = {"formula": declared_formula(project).digest, "features": [{"name": "AMT", "type": "VARCHAR"}]}
    champion = Version("V1", ("CHAMPION",), {}, facts)
    reason, remedy = refused(project, deployed(project, champion=champion), "MODELS.CREDIT_APPROVAL")
    assert "V1 takes other features" in reason
    assert "missing AMT VARCHAR; new to it AMT FLOAT, KIND VARCHAR" in reason
    assert "train" in remedy


def test_what_the_champion_was_trained_with_is_deployed_whatever_the_project_has(project):
    """An edit that was never promoted changes nothing; the plan shows it."""
    observed = deployed(project)
    assert observed.formula
    edited = Formula(observed.formula.text.replace("LN(1 + AMT_INCOME_TOTAL)", "LOG(10, 1 + AMT_INCOME_TOTAL)"))
    plan = planned(project, replace(observed, declared=edited))
    assert plan.nothing_to_do
    assert (plan.changes[0].kind, plan.changes[0].action) == ("features", "keep")
    assert "-    LN(1 + AMT_INCOME_TOTAL) AS LOG_INCOME,\n+    LOG(10, 1 + AMT" in plan.changes[0].remedy
    assert plan.changes[0].remedy in plan.text()
    broken = planned(project, replace(observed, declared="features.sql:3: a join is not possible"))
    assert broken.nothing_to_do
    assert "that of the project cannot be read: features.sql:3" in broken.changes[0].reason
    assert not [each for each in planned(project, observed).changes if each.kind == "features"]


def test_a_promoted_version_of_another_formula_changes_what_is_deployed(project):
    observed = deployed(project)
    assert observed.formula
    new = Formula(observed.formula.text.replace("LN(1 + AMT_INCOME_TOTAL)", "LOG(10, 1 + AMT_INCOME_TOTAL)"))
    champion = Version("V2", ("CHAMPION",), {}, {**FACTS, "formula": new.digest})
    promoted = replace(observed, champion=champion, formula=new, declared=new)
    plan = make_plan(project, "dev", desired_state(project, "dev", new, FEATURES), promoted)
    assert {change.kind: change.action for change in plan.changes if change.action != "keep"}["procedure"] == "create"
    assert not plan.refused
    (upload,) = [step for step in plan.steps if isinstance(step, Upload)]
    assert b"LOG(10, 1 + AMT_INCOME_TOTAL)" in upload.content()


def test_a_champion_that_records_no_formula_is_not_deployed_for(project):
    observed = replace(deployed(project), formula_problem="version V1 does not record the features.sql")
    reason, remedy = refused(project, observed, "MODELS.CREDIT_APPROVAL")
    assert reason == "version V1 does not record the features.sql"
    assert "__train; what serves goes on unchanged" in remedy


def test_a_label_of_several_classes_needs_their_columns_and_a_champion_that_tells_them(project):
    label = Label(column="GRADE", task="multiclass", classes=("a", "b", "c"))
    graded = project.model_copy(update={"label": label})
    (reason, remedy) = refused(graded, environment(graded), "SERVING.SCORED")
    assert reason == "it lacks PREDICTION, PROBABILITIES"
    assert "a multiclass label where there was none: a new target" in remedy
    scored = ("ID", "PREDICTION", "PROBABILITIES", "SCORE", "EVENT_TIME", "FEATURES")
    columns = {**environment(graded).columns, "SERVING.SCORED": scored}
    (reason, remedy) = refused(graded, environment(graded, columns=columns), "MODELS.CREDIT_APPROVAL")
    assert reason == "the champion V1 predicts the classes [], declared are ['a', 'b', 'c']"
    formula = declared_formula(graded).digest
    right = Version("V1", ("CHAMPION",), {}, {**FACTS, "formula": formula, "classes": ["a", "b", "c"]})
    assert not planned(graded, environment(graded, columns=columns, champion=right)).refused


def test_a_renamed_column_of_the_source_is_named(project):
    source = "RAW.APPLICATION_RECORD"
    observed = deployed(project)
    renamed = tuple("CHILDREN" if name == "CNT_CHILDREN" else name for name in observed.columns[source])
    lost = deployed(project, columns={**observed.columns, source: renamed}, features=None, features_problem="invalid")
    plan = make_plan(project, "dev", None, lost)
    (change,) = plan.refused
    assert "are missing: CNT_CHILDREN" in change.reason
    assert "RENAME COLUMN" in change.remedy


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"stale": "true"}, "is stale"),
        ({"table_name": "CREDIT_APPROVAL_DEV.RAW.OTHER"}, "not on CREDIT_APPROVAL_DEV.RAW.APPLICATION_RECORD"),
    ],
)
def test_a_stream_that_would_have_to_be_replaced_is_refused(project, changes, says):
    observed = deployed(project, streams={"APPLICATION_RECORD_STREAM": stream(project, **changes)})
    reason, remedy = refused(project, observed, "RAW.APPLICATION_RECORD_STREAM")
    assert says in reason
    assert "on-call" in remedy


@pytest.mark.parametrize("corrections", [True, False])
def test_the_kind_of_stream_is_changed_at_its_offset_while_the_graph_is_suspended(project, corrections):
    serving = project.serving.model_copy(update={"corrections": corrections})
    observed = deployed(
        project.model_copy(update={"serving": serving}),
        streams={"APPLICATION_RECORD_STREAM": stream(project, mode="APPEND_ONLY" if corrections else "DEFAULT")},
    )
    project = project.model_copy(update={"serving": serving})
    plan = make_plan(project, "dev", desired(project), observed)
    assert [change.name for change in plan.changes if change.action == "recreate"] == ["RAW.APPLICATION_RECORD_STREAM"]
    name, root = '"CREDIT_APPROVAL_DEV"."RAW"."APPLICATION_RECORD_STREAM"', desired(project).names.root
    _, wait, *others, _ = plan.steps
    assert wait == WaitForRuns(root)
    assert heads(plan) == ["SUSPEND SCORE_NEW_ROWS", "wait SCORE_NEW_ROWS", "RESUME SCORE_NEW_ROWS"]
    # corrections that arrived since the plan was made would be lost
    assert others[:-1] == ([] if corrections else [RequireEmptyStream(name, root)])
    (change,) = [text for text in texts(plan) if "STREAM" in text]
    assert f"AT(STREAM => '{name}')" in change
    assert ("APPEND_ONLY" in change) is not corrections


def test_corrections_that_wait_are_not_dropped_with_the_option(project):
    streams = {"APPLICATION_RECORD_STREAM": stream(project, mode="DEFAULT")}
    observed = deployed(project, streams=streams, pending=frozenset(streams))
    reason, remedy = refused(project, observed, "RAW.APPLICATION_RECORD_STREAM")
    assert "corrections and deletions would be lost" in reason
    assert "let the loop empty it" in remedy


def test_a_missing_stream_is_not_created_again(project):
    reason, _ = refused(project, deployed(project, streams={}), "RAW.APPLICATION_RECORD_STREAM")
    assert "lose the rows in between" in reason


def test_another_source_is_refused_while_the_old_stream_is_in_use(project):
    tasks = {"SCORE_NEW_ROWS": {"comment": "", "state": "started", "condition": '\'"D"."RAW"."OLD_STREAM"\''}}
    observed = deployed(project, streams={"OLD_STREAM": {}}, pending=frozenset({"OLD_STREAM"}), tasks=tasks)
    reason, remedy = refused(project, observed, "RAW.APPLICATION_RECORD_STREAM")
    assert "the loop reads RAW.OLD_STREAM" in reason
    assert "still holds unconsumed rows" in reason
    assert "another target" in remedy


def test_a_lost_baseline_of_a_serving_loop_is_refused(project):
    tables = deployed(project).tables - {"SERVING.BASELINE"}
    _, remedy = refused(project, deployed(project, tables=tables), "SERVING.BASELINE")
    assert "UNDROP TABLE" in remedy


@pytest.mark.parametrize(
    ("database", "text"),
    [
        ("CREDIT_APPROVAL_DEV", "INSERT INTO T SELECT * FROM RAW.APPLICATION_RECORD_STREAM"),
        ("CREDIT_APPROVAL_DEV", "insert into t select * from application_record_stream"),
        ("OTHER", 'INSERT INTO T SELECT * FROM "CREDIT_APPROVAL_DEV"."RAW"."APPLICATION_RECORD_STREAM"'),
    ],
)
def test_a_second_consumer_is_refused(project, database, text):
    task = {"database_name": database, "schema_name": "X", "name": "THIEF", "condition": None, "definition": text}
    reason, remedy = refused(project, deployed(project, other_tasks=(task,)), "RAW.APPLICATION_RECORD_STREAM")
    assert f"task {database}.X.THIEF reads it too" in reason
    assert "a stream of its own" in remedy


@pytest.mark.parametrize(
    "text", ["SELECT * FROM OTHER.RAW.APPLICATION_RECORD_STREAM", "SELECT APPLICATION_RECORD_STREAM2"]
)
def test_other_tasks_are_left_alone(project, text):
    task = {"database_name": "OTHER", "schema_name": "X", "name": "T", "condition": None, "definition": text}
    assert planned(project, deployed(project, other_tasks=(task,))).nothing_to_do


def test_a_plan_survives_json(project):
    plan = planned(project, environment(project))
    fields = json.loads(json.dumps(plan.to_dict()))
    assert fields["changes"][0]["action"] == "create"
    assert Plan.from_dict(fields) == plan


def test_the_names_of_code_follow_its_content(project):
    formula = declared_formula(project)
    one, two = (
        desired_state(project, "dev", formula, (Feature("A", kind),)).procedure.name for kind in ("FLOAT", "VARCHAR")
    )
    assert one != two


def test_what_a_table_that_others_fill_lacks_is_asked_for(project):
    problem = Problem("changes of CRM.PUBLIC.CALLS are not tracked", "ask its owner for ALTER TABLE")
    other = bank(table="CRM.PUBLIC.CALLS")
    untracked = environment(other, source=FoundTable(untracked=problem))
    plan = make_plan(other, "dev", desired(other), untracked)
    (refused,) = plan.refused
    assert (refused.kind, refused.name, refused.reason, refused.remedy) == (
        *("source", "CRM.PUBLIC.CALLS"),
        *(problem.reason, problem.remedy),
    )
    assert plan.steps == ()


@pytest.mark.parametrize("kind", ["TABLE", "VIEW", "DYNAMIC TABLE"])
def test_the_stream_is_on_the_table_that_others_fill(kind):
    other = bank(table="CRM_{target}.PUBLIC.CALLS")
    loop = desired_state(other, "dev", declared_formula(other), FEATURES, kind)
    name = '"CRM_DEV"."PUBLIC"."CALLS"'
    assert f"ON {kind} {name} APPEND_ONLY = TRUE" in loop.stream
    assert f'FROM {name} AT(STREAM => \'"BANK_MARKETING_DEV"."RAW"."BANK_STREAM"\')' in loop.baseline
    spelled = [text for text in (loop.baseline, loop.request.count_rows.text) if '"default" AS "IN_DEFAULT"' in text]
    assert len(spelled) == 2
    elsewhere = {"BANK_STREAM": stream(other)}
    (refused,) = make_plan(other, "dev", loop, deployed(other, streams=elsewhere)).refused
    assert "not on CRM_DEV.PUBLIC.CALLS" in refused.reason
