"""Estimators for bank_marketing; every fitted transformer is part of the pipeline, and so of the model version."""

from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

TEXT = make_column_selector(dtype_exclude="number")
NUMBERS = make_column_selector(dtype_include="number")


def build_model(kind: str = "logistic", seed: int = 0) -> Pipeline:
    """The unfitted pipeline of a kind: ``logistic`` or ``boosting``."""
    if kind == "logistic":
        return make_pipeline(
            make_column_transformer(
                (OneHotEncoder(handle_unknown="ignore", min_frequency=10), TEXT), (StandardScaler(), NUMBERS)
            ),
            LogisticRegression(max_iter=1000, C=0.3),
        )
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    return make_pipeline(
        make_column_transformer((encoder, TEXT), remainder="passthrough"),
        HistGradientBoostingClassifier(max_iter=120, learning_rate=0.05, max_leaf_nodes=8, random_state=seed),
    )
