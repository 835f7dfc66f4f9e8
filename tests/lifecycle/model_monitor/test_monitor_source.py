"""What a model monitor compares: the rows of the champion, and those of the version that was judged."""

from dataclasses import replace

from snowloop.lifecycle.model_monitor.desired import desired_monitor
from snowloop.lifecycle.versions import Version
from snowloop.project import load_project
from tests.support.loops import FACTS, FEATURES, monitored


def test_a_refitted_champion_is_compared_with_the_scores_of_the_one_that_was_judged():
    project = monitored(load_project("credit_approval"))
    champion = Version("V1_ALL", facts={**FACTS, "refit": {"of": "V1"}})
    made = desired_monitor(project, "dev", champion, FEATURES)
    assert made is not None
    source, baseline, monitor = made.statements
    assert "= 'V1_ALL'" in source
    assert "VERSION = 'V1_ALL'" in monitor
    assert '"V1")!PREDICT_PROBA' in baseline
    other = desired_monitor(project, "dev", replace(champion, facts={**FACTS, "refit": {"of": "V2"}}), FEATURES)
    assert other is not None
    assert other.comment != made.comment
