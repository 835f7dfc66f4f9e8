"""Requests survive JSON: what a procedure reads is what the lifecycle wrote."""

import json

import pytest

from snowloop_procedures.requests import (
    ComparisonRequest,
    Feature,
    LeakageRequest,
    ModelVersion,
    Plan,
    RehearsalRequest,
    Request,
    Specification,
    Tolerance,
)
from tests.lifecycle.evaluation.test_evaluation import REQUEST
from tests.procedures.test_folds import request

FEATURES = (Feature("X", "FLOAT"),)
VERSION = ModelVersion("DB", "MODELS", "M", "V1")


@pytest.mark.parametrize(
    "asked",
    [
        request(params={"depth": 3, "layers": [8, 8]}, classes=("a", "b"), task="multiclass", modules=("model",)),
        request(cross_validation=None),
        REQUEST,
        ComparisonRequest(
            query="SELECT 1", paired=True, task="regression", metric="rmse", higher_is_better=False, plan=Plan()
        ),
        LeakageRequest(
            query="SELECT 1", repeats="SELECT 2", features=FEATURES, label="L", task="multiclass", classes=(1, 2),
            seed=1,
        ),
        RehearsalRequest(
            query="SELECT 1", features=FEATURES, label="L", task="classification", seed=1, params={"c": None},
            threshold=0.5, version=VERSION, candidates=(Specification("a", {"c": 1}),), reproduce="all rows",
            tolerance=Tolerance(0, 1e-6), served=None,
        ),
    ],
    ids=lambda asked: asked.do,
)  # fmt: skip
def test_a_request_survives_json(asked: Request):
    values = json.loads(asked.to_json())
    assert values["do"] == asked.do
    assert type(asked).from_dict(values) == asked


def test_a_request_without_a_field_is_refused():
    values = json.loads(REQUEST.to_json())
    del values["plan"]
    with pytest.raises(TypeError, match="plan"):
        type(REQUEST).from_dict(values)
