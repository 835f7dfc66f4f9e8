"""The 28 tests of "The ML Test Score: A Rubric for ML Production Readiness" (Breck and others, 2017)."""

from dataclasses import dataclass

SECTIONS = ("data", "model", "infrastructure", "monitoring")
PAPER = (
    "https://research.google/pubs/the-ml-test-score-a-rubric-for-ml-production-readiness-and-technical-debt-reduction/"
)


@dataclass(frozen=True)
class Test:
    """One test of the rubric.

    Args:
        section: One of SECTIONS.
        number: Its number in the section, from 1.
        name: Its name, as in the paper.
        missing: What would be evidence, said when there is none.
    """

    section: str
    number: int
    name: str
    missing: str

    @property
    def key(self) -> str:
        """Its name on a command line, such as ``data-1``; evidence of it is read by score_card/data_1.sql."""
        return f"{self.section}-{self.number}"


NO_CONTRACT = "no check of the data contract was recorded: run the training loop"
NOT_MEASURED = "no evaluation was recorded: run the training loop"
NOT_REHEARSED = "nothing was rehearsed: run `snowloop rehearse`, or the DAG of that name"
NOT_WATCHED = "nothing was watched: run `snowloop monitor`, or the DAG of health"
NOT_SCORED = "no run of the scoring task was recorded: deploy scoring, and let rows arrive"
RUBRIC = (
    Test("data", 1, "Feature expectations are captured in a schema", NO_CONTRACT),
    Test("data", 2, "All features are beneficial", NOT_MEASURED),
    Test("data", 3, "No feature's cost is too much", "no feature's time was measured: build a training set"),
    Test(
        "data", 4, "Features adhere to meta-level requirements", "no leakage check was recorded: run the training loop"
    ),
    Test(
        "data",
        5,
        "The data pipeline has appropriate privacy controls",
        "nothing here looks at who may read what: test it and record it by hand",
    ),
    Test("data", 6, "New features can be added quickly", "no training set was promoted within a day of its building"),
    Test("data", 7, "All input feature code is tested", "features.sql was not run twice: build a training set"),
    Test(
        "model",
        1,
        "Every model specification is reviewed and submitted",
        "no promotion of committed code was approved: declare `approval`, and run from a git commit",
    ),
    Test(
        "model",
        2,
        "Offline proxy metrics correlate with actual online impact metrics",
        "served scores of three "
        "versions were not measured on labels that came later: load labels, and rehearse after promotions",
    ),
    Test(
        "model",
        3,
        "All hyperparameters have been tuned",
        "several candidates never competed on one training set: declare more `candidates`",
    ),
    Test(
        "model",
        4,
        "The impact of model staleness is known",
        "no champion was measured on a later training set: train again when there are new rows",
    ),
    Test("model", 5, "A simpler model is not better", "no verdict compared a version with a linear model"),
    Test(
        "model",
        6,
        "Model quality is sufficient on all important data slices",
        "no slice was judged: declare `evaluation.slices`, with a bound",
    ),
    Test(
        "model",
        7,
        "The model has been tested for considerations of inclusion",
        "no slice with a bound is declared a "
        "matter of inclusion: set `inclusion: true` on the slices that are about people",
    ),
    Test("infrastructure", 1, "Training is reproducible", NOT_REHEARSED),
    Test("infrastructure", 2, "Model specification code is unit tested", NOT_REHEARSED),
    Test(
        "infrastructure",
        3,
        "The full ML pipeline is integration tested",
        "no version that was judged here has scored new rows: run the life cycle in this target",
    ),
    Test(
        "infrastructure",
        4,
        "Model quality is validated before it serves",
        "there was no promotion, or one without a verdict",
    ),
    Test(
        "infrastructure",
        5,
        "The model allows debugging of a single example",
        "no score was kept with its features: see `serving.keep_features`",
    ),
    Test(
        "infrastructure",
        6,
        "Models are tested via a canary process before they serve",
        "no version scored beside the champion before it was promoted: declare `serving.challenger`",
    ),
    Test(
        "infrastructure",
        7,
        "Models can be quickly and safely rolled back",
        "no rollback was rehearsed: promote a second version, then run `snowloop rehearse`",
    ),
    Test(
        "monitoring",
        1,
        "Dependency changes result in notification",
        NOT_WATCHED,
    ),
    Test("monitoring", 2, "Data invariants hold in training and serving inputs", NOT_SCORED),
    Test(
        "monitoring",
        3,
        "Training and serving features compute the same values",
        "no verdict compared the serving path with Python",
    ),
    Test("monitoring", 4, "Models are not too stale", NOT_WATCHED),
    Test("monitoring", 5, "The model is numerically stable", NOT_WATCHED),
    Test("monitoring", 6, "Computing performance has not regressed", NOT_WATCHED + ", after three runs"),
    Test(
        "monitoring",
        7,
        "Prediction quality has not regressed",
        "served scores were never held against labels that came later: load the labels, then run `snowloop rehearse`",
    ),
)


def test_of(key: str) -> Test | None:
    """The test of a key such as ``data-1``, or None."""
    return next((each for each in RUBRIC if each.key == key.lower()), None)
