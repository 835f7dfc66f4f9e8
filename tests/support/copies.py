"""The tiny project with versions that are copies of one model, judged by the gate: who serves, without any training."""

import itertools
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.linear_model import LogisticRegression
from snowflake.ml.registry import Registry
from snowflake.snowpark import Session

from snowloop.lifecycle.champion.promote import promote
from snowloop.lifecycle.data.environment import create_environment
from snowloop.lifecycle.evaluation.results import Evaluation
from snowloop.lifecycle.features.point_in_time import declared_formula
from snowloop.lifecycle.features.training_set import describe_features
from snowloop.lifecycle.gate.gate import decide
from snowloop.lifecycle.gate.verdict import Override, Verdict
from snowloop.lifecycle.scoring.desired import desired_state, scoring_request
from snowloop.lifecycle.versions import champion
from snowloop.project import Challenger, Project
from snowloop_procedures.scoring import score_new_rows, scoring_versions
from snowloop_procedures.scoring_request import ScoringRequest
from tests.support.judged import evaluation
from tests.support.tiny import Event, insertion, tiny
from tests.support.world import World

PASSES = {"roc_auc": 0.7, "support": 30}
KEYS = itertools.count(1)


class Copies(World):
    """An environment with a stream and some versions; ``score`` runs the scoring procedure in this process."""

    def __init__(
        self,
        session: Session,
        folder: Path,
        target: str,
        versions: Iterable[str],
        project: Project | None = None,
        **declared: bool,
    ) -> None:
        super().__init__(session, project or tiny(folder, **declared), target)
        create_environment(self.workspace)
        self.formula = declared_formula(self.project)
        self.features = describe_features(self.workspace, self.formula)
        loop = desired_state(self.project, target, self.formula, self.features)
        for statement in (loop.stream, loop.baseline):
            self.rows(statement)
        names = [feature.name for feature in self.features]
        rows = pd.DataFrame([[float(n), float(-n), 0.5] for n in range(10)], columns=names)
        first, *others = versions
        self.rows(
            f"INSERT INTO {{db}}.OPS.TRAINING_SETS (FINGERPRINT, FEATURES_SQL) SELECT 'copies', $${self.formula.text}$$"
        )
        facts = {
            "features": [{"name": each.name, "type": each.type} for each in self.features],
            "formula": self.formula.digest,
            "training_set": "copies",
            "candidate": "loose",
        }
        Registry(session, database_name=self.database, schema_name="MODELS").log_model(
            LogisticRegression().fit(rows, rows[names[0]] > 4),
            model_name=self.project.model_name,
            version_name=first,
            sample_input_data=rows,
            target_platforms=["WAREHOUSE"],
            comment=json.dumps(facts),
        )
        comment = self.show()[first]["comment"]
        for name in others:
            self.alter(f"ADD VERSION {name} FROM MODEL {self.model} VERSION {first}")
            self.alter(f"MODIFY VERSION {name} SET COMMENT = '{comment}'")

    @property
    def model(self) -> str:
        return f"{self.database}.MODELS.{self.project.model_name}"

    def alter(self, change: str) -> None:
        """Alter the model, as a person may."""
        self.rows(f"ALTER MODEL {self.model} {change}")

    def show(self) -> dict[str, dict[str, Any]]:
        """The rows of SHOW VERSIONS, by name."""
        rows = [
            {name.strip('"'): value for name, value in row.as_dict().items()}
            for row in self.session.sql(f"SHOW VERSIONS IN MODEL {self.model}").collect()
        ]
        return {row["name"]: row for row in rows}

    @property
    def aliases(self) -> dict[str, str]:
        """Who has which alias, besides FIRST and LAST."""
        versions = self.show().items()
        every = {alias: name for name, row in versions for alias in json.loads(row["aliases"])}
        return {alias: name for alias, name in every.items() if alias not in ("FIRST", "LAST")}

    def declare(self, **parts: Any) -> None:
        """Change parts of the declaration."""
        self.project = self.project.model_copy(update=parts)

    def evaluation(self, version: str, **metrics: float) -> Evaluation:
        """A good evaluation of a version but for the metrics that are given; against the version that serves."""
        now = champion(self.workspace)
        made = evaluation(version, PASSES | metrics, now.name if now else None, roc_auc=0.7)
        return replace(made, candidate=replace(made.candidate, version_name=version))

    def judge(self, version: str, override: Override | None = None, **metrics: float) -> Verdict:  # type: ignore[override]
        """The gate's verdict on a version."""
        return decide(self.workspace, [self.evaluation(version, **metrics)], override=override)

    def promote(self, version: str) -> None:
        """A promotion that passes the gate."""
        promote(self.workspace, self.judge(version))

    def serve(self, version: str) -> None:
        """Promote a version unless it serves already: then a promotion would change nothing."""
        if self.aliases.get("CHAMPION") != version:
            self.promote(version)

    @property
    def request(self) -> ScoringRequest:
        """What would be deployed."""
        return scoring_request(self.project, self.target, self.formula, self.features)

    @property
    def serving(self) -> str:
        """The version that the scoring procedure would score with."""
        return scoring_versions(self.session, self.request).champion

    def score(self) -> str:
        """The version that scores a new row, by the procedure."""
        event = Event(next(KEYS), 1.0, 2.0, "A", "2026-01-01 00:00:00", next(KEYS))
        self.rows(insertion([event]))
        done = json.loads(score_new_rows(self.session, self.request))
        assert done["read"] == done["scored"] > 0
        return str(done["model_version"])


def canary(project: Project, **declared: Any) -> dict[str, Any]:
    """The serving part of a declaration with a canary."""
    challenger = Challenger(mode="canary", **declared)
    return {"serving": project.serving.model_copy(update={"challenger": challenger})}
