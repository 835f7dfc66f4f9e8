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
        missing: What would be evidence; shown when there is none.
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


NO_CONTRACT = "no check of the data contract was recorded: run the training DAG"
NOT_EVALUATED = "no evaluation was recorded: run the training DAG"
NOT_REHEARSED = "nothing was rehearsed: run `snowloop rehearse`, or the DAG of that name"
NOT_MONITORED = "nothing was monitored: run `snowloop monitor`, or the health DAG"
NOT_SCORED = "no run of the scoring task was recorded: deploy scoring, and let rows arrive"

Tests = tuple[tuple[str, str | None, str], ...]
"""Name, query and missing evidence of the tests of a section."""
LATE_TABLES = {"challengers_score_before_promotion": "CHALLENGES"}
"""Tables of OPS that an environment does not have before they are needed, by query."""

DATA: Tests = (
    ("Feature expectations are captured in a schema", "columns_are_checked", NO_CONTRACT),
    ("All features are beneficial", "feature_importance_is_measured", NOT_EVALUATED),
    ("No feature's cost is too much", "feature_cost_is_measured", "no feature was timed: build a training set"),
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
        "no training set was promoted within a day of being built",
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
        "promotions_are_reviewed",
        "no promotion of committed code was approved: declare `approval`, and run from a git commit",
    ),
    (
        "Offline proxy metrics correlate with actual online impact metrics",
        "served_scores_are_measured",
        "served scores of three versions were not measured: load labels, and rehearse after promotions",
    ),
    (
        "All hyperparameters have been tuned",
        "candidates_compete",
        "no training set had several candidates: declare more `candidates`",
    ),
    (
        "The impact of model staleness is known",
        "staleness_is_measured",
        "no champion was measured on a later training set: train again when there are new rows",
    ),
    (
        "A simpler model is not better",
        "simpler_model_is_compared",
        "no verdict compared a version with a linear model",
    ),
    (
        "Model quality is sufficient on all important data slices",
        "slices_are_evaluated",
        "no slice was evaluated: declare `evaluation.slices`, with a bound",
    ),
    (
        "The model has been tested for considerations of inclusion",
        "inclusion_is_measured",
        "no slice is marked for inclusion: set `inclusion: true` and a bound on the slices that are about people",
    ),
)
INFRASTRUCTURE: Tests = (
    ("Training is reproducible", "training_is_reproducible", NOT_REHEARSED),
    ("Model specification code is unit tested", "model_code_is_tested", NOT_REHEARSED),
    (
        "The full ML pipeline is integration tested",
        "pipeline_is_integration_tested",
        "no version that was evaluated here has scored new rows: run the life cycle in this target",
    ),
    (
        "Model quality is validated before it serves",
        "promotions_are_validated",
        "there was no promotion, or one without a verdict",
    ),
    (
        "The model allows debugging of a single example",
        "scores_are_traceable",
        "no score was kept with its features: see `serving.keep_features`",
    ),
    (
        "Models are tested via a canary process before they serve",
        "challengers_score_before_promotion",
        "no version scored as a challenger before it was promoted: declare `serving.challenger`",
    ),
    (
        "Models can be quickly and safely rolled back",
        "rollback_is_rehearsed",
        "no rollback was rehearsed: promote a second version, then run `snowloop rehearse`",
    ),
)
MONITORING: Tests = (
    ("Dependency changes result in notification", "dependency_changes_are_reported", NOT_MONITORED),
    ("Data invariants hold in training and serving inputs", "arriving_rows_are_checked", NOT_SCORED),
    (
        "Training and serving features compute the same values",
        "training_and_serving_agree",
        "no verdict compared the serving path with Python",
    ),
    ("Models are not too stale", "champion_age_is_checked", NOT_MONITORED),
    ("The model is numerically stable", "scores_are_finite", NOT_MONITORED),
    ("Computing performance has not regressed", "scoring_time_is_checked", NOT_MONITORED + ", after three runs"),
    (
        "Prediction quality has not regressed",
        "served_quality_is_checked",
        "served scores were never measured on labels that arrived later: load the labels, then run `snowloop rehearse`",
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
