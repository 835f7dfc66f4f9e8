"""The 28 tests of "The ML Test Score: A Rubric for ML Production Readiness" (Breck and others, 2017).

https://research.google/pubs/the-ml-test-score-a-rubric-for-ml-production-readiness-and-technical-debt-reduction/
"""

from dataclasses import dataclass

SECTIONS = ("data", "model", "infrastructure", "monitoring")


@dataclass(frozen=True)
class Test:
    """One test of the rubric.

    Args:
        section: One of SECTIONS.
        number: Its number in the section, from 1.
        name: Its name, as in the paper.
        query: The query of include/sql/monitoring/ml_test_score/queries.sql that reads the evidence; None if no system
            can do the test.
        missing: What would be evidence; shown when there is none of late.
        late_table: A table of OPS that the query reads and that an environment may not have yet.
    """

    section: str
    number: int
    name: str
    query: str | None
    missing: str
    late_table: str | None = None

    @property
    def key(self) -> str:
        """Its name on a command line, such as ``data-1``."""
        return f"{self.section}-{self.number}"


NO_RULES = (
    "no declared rule of a column was checked: declare rules (nullable, min, max, allowed), and run the training DAG"
)
NOT_EVALUATED = (
    "no importance of the champion's features was recorded: run the training DAG, with importance_rows above 0"
)
NOT_REHEARSED = "nothing was rehearsed: run `snowloop rehearse`, or the DAG of that name"
NOT_MONITORED = "nothing was monitored: run `snowloop monitor`, or the health DAG"
NOT_SCORED = "no new row was checked against a declared rule: declare rules, deploy scoring, and let rows arrive"

Tests = tuple[tuple[str, str | None, str], ...]
"""Name, query and missing evidence of the tests of a section."""
LATE_TABLES = {"champion_was_a_canary": "CHALLENGES"}
"""Tables of OPS that an environment does not have before they are needed, by query."""

DATA: Tests = (
    ("Feature expectations are captured in a schema", "columns_are_checked", NO_RULES),
    ("All features are beneficial", "features_are_beneficial", NOT_EVALUATED),
    ("No feature's cost is too much", "features_are_cheap", "no feature was timed: build a training set"),
    (
        "Features adhere to meta-level requirements",
        "features_do_not_leak",
        "no leakage check was recorded: run the training DAG",
    ),
    (
        "The data pipeline has appropriate privacy controls",
        None,
        "Snowloop does not check who may read what: test it and record it by hand",
    ),
    (
        "New features can be added quickly",
        "features_are_added_quickly",
        "no promotion brought another features.sql",
    ),
    (
        "All input feature code is tested",
        "feature_code_is_tested",
        "features.sql was not run twice: build a training set",
    ),
)
MODEL: Tests = (
    (
        "Every model specification is reviewed and submitted",
        "promotion_is_reviewed",
        "nobody approved the champion's promotion: declare `approval`, and run from a git commit",
    ),
    (
        "Offline proxy metrics correlate with actual online impact metrics",
        "offline_and_online_quality_correlate",
        "served scores of fewer than three versions were measured: load labels, and rehearse after promotions",
    ),
    (
        "All hyperparameters have been tuned",
        "hyperparameters_are_tuned",
        "the champion is of no search: declare `search` for its candidate",
    ),
    (
        "The impact of model staleness is known",
        "staleness_is_measured",
        "no older champion was measured on a later training set: train again when there are new rows",
    ),
    (
        "A simpler model is not better",
        "simpler_model_is_not_better",
        "no verdict compared the champion with a linear model: run the training DAG",
    ),
    (
        "Model quality is sufficient on all important data slices",
        "slices_keep_their_bounds",
        "no slice has a bound: declare `evaluation.slices` with `bound`, and run the training DAG",
    ),
    (
        "The model has been tested for considerations of inclusion",
        "groups_of_people_are_treated_alike",
        "no gap between groups of people was judged: set `inclusion: true` at slices, bounds in `gate.fairness`",
    ),
)
INFRASTRUCTURE: Tests = (
    ("Training is reproducible", "training_is_reproducible", NOT_REHEARSED),
    ("Model specification code is unit tested", "model_code_is_tested", NOT_REHEARSED),
    (
        "The full ML pipeline is integration tested",
        "pipeline_is_integration_tested",
        "the champion, if it was trained and promoted here, has scored no new rows: run the life cycle in this target",
    ),
    (
        "Model quality is validated before it serves",
        "promotion_is_validated",
        "no promotion of the champion was recorded",
    ),
    (
        "The model allows debugging of a single example",
        "scores_are_traceable",
        "the champion has scored no row",
    ),
    (
        "Models are tested via a canary process before they serve",
        "champion_was_a_canary",
        "the champion was no canary before it was promoted: declare `serving.challenger` with mode canary",
    ),
    (
        "Models can be quickly and safely rolled back",
        "rollback_is_rehearsed",
        "no rollback was rehearsed since the champion changed: promote a second version, then run `snowloop rehearse`",
    ),
)
MONITORING: Tests = (
    ("Dependency changes result in notification", "dependencies_are_compared", NOT_MONITORED),
    ("Data invariants hold in training and serving inputs", "invariants_hold", NOT_SCORED),
    (
        "Training and serving features compute the same values",
        "training_and_serving_agree",
        "no verdict compared the champion's serving path with Python",
    ),
    ("Models are not too stale", "champion_is_not_stale", NOT_MONITORED),
    ("The model is numerically stable", "scores_are_finite", NOT_MONITORED),
    ("Computing performance has not regressed", "scoring_is_not_slower", NOT_MONITORED + ", after three runs"),
    (
        "Prediction quality has not regressed",
        "served_quality_is_kept",
        "no served scores of the champion were measured: load labels that arrived later, then run `snowloop rehearse`",
    ),
)
RUBRIC = tuple(
    Test(section, number, name, query, missing, LATE_TABLES.get(query or ""))
    for section, tests in zip(SECTIONS, (DATA, MODEL, INFRASTRUCTURE, MONITORING), strict=True)
    for number, (name, query, missing) in enumerate(tests, start=1)
)


def test_of(key: str) -> Test | None:
    """The test of a key such as ``data-1``, or None."""
    return next((each for each in RUBRIC if each.key == key.lower()), None)
