"""The pipelines that are measured; the file is the model.py of the projects that the measurements declare."""

from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

MODELS = {
    "gradient boosting": lambda: GradientBoostingClassifier(random_state=0),
    "hist boosting": lambda: HistGradientBoostingClassifier(random_state=0),
    "logistic": lambda: LogisticRegression(max_iter=500),
}


def build_model(kind: str) -> Pipeline:
    """The unfitted pipeline of one of ``MODELS``, behind a one-hot encoder and a scaler."""
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    texts, numbers = make_column_selector(dtype_exclude="number"), make_column_selector(dtype_include="number")
    return make_pipeline(make_column_transformer((StandardScaler(), numbers), (encoder, texts)), MODELS[kind]())
