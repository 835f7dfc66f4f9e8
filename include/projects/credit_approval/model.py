"""Estimators for credit_approval; every fitted transformer is part of the pipeline, and so of the model version."""

import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

TEXT = make_column_selector(dtype_exclude="number")
NUMBERS = make_column_selector(dtype_include="number")


def build_model(kind: str = "logistic", seed: int = 0) -> Pipeline:
    """The unfitted pipeline of a kind: ``logistic`` or ``boosting``; it scores NULL and unseen texts."""
    numbers = SimpleImputer(strategy="median", keep_empty_features=True)
    if kind == "logistic":
        texts = _texts(OneHotEncoder(handle_unknown="ignore", min_frequency=10))
        return make_pipeline(
            make_column_transformer((texts, TEXT), (make_pipeline(numbers, StandardScaler()), NUMBERS)),
            LogisticRegression(max_iter=1000, C=0.3),
        )
    return make_pipeline(
        make_column_transformer(
            (_texts(OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)), TEXT), (numbers, NUMBERS)
        ),
        HistGradientBoostingClassifier(max_iter=120, learning_rate=0.05, max_leaf_nodes=8, random_state=seed),
    )


def _texts(encoder: BaseEstimator) -> Pipeline:
    """NULL is a category of its own."""
    null = SimpleImputer(missing_values=pd.NA, strategy="constant", fill_value="(missing)", keep_empty_features=True)
    return make_pipeline(null, encoder)
