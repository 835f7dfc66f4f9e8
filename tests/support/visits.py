"""A small project of patients' visits, in a folder of its own: groups, event times, and labels that come later."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from snowloop.project import Project, load_project

DECLARED = """name: visits
source: visit
key: [VISIT_ID]
sources:
  visit:
    file: "visits*.csv"
    event_time: SEEN_AT
    columns:
      VISIT_ID: {type: "NUMBER(38,0)", nullable: false, unique: true}
      PATIENT: {type: VARCHAR, nullable: false}
      SEEN_AT: {type: TIMESTAMP_NTZ}
      DOSE: {type: FLOAT, nullable: false, min: -1000000, max: 1000000}
      ANSWER: {type: FLOAT}
      ANSWERED_AT: {type: TIMESTAMP_NTZ}
label: {column: RESPONSE, task: regression}
split: {by: hash, holdout: 0.25}
metric: {name: rmse, at_most: 100}
candidates:
  - {name: line}
packages: [scikit-learn==1.9.1, pandas==2.3.3, snowflake-ml-python==2.6.0, snowflake-snowpark-python==1.56.0]
"""
FEATURES = "SELECT VISIT_ID, DOSE FROM {{ source }}\n"
LABEL = "SELECT VISIT_ID, ANSWER AS RESPONSE, ANSWERED_AT FROM {{ raw }}.VISIT\n"
MODEL = '''"""A line."""

from sklearn.linear_model import Ridge


def build_model(alpha=1.0):
    """A line through the points."""
    return Ridge(alpha=alpha)
'''


def visits(folder: Path, *changes: tuple[str, str]) -> Project:
    """The project with some texts of its declaration replaced."""
    text = DECLARED
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    place = folder / "visits"
    place.mkdir(parents=True, exist_ok=True)
    files = {"project.yaml": text, "features.sql": FEATURES, "label.sql": LABEL, "model.py": MODEL}
    for name, content in files.items():
        (place / name).write_text(content)
    return load_project("visits", folder)


def write_visits(folder: Path, rows: int = 120, patients: int = 30, newest: datetime | None = None) -> Path:
    """A file of visits, one a day up to the newest, in which a patient comes again and again; answers take ten days."""
    newest = newest or datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["VISIT_ID,PATIENT,SEEN_AT,DOSE,ANSWER,ANSWERED_AT"]
    for number in range(rows):
        seen = newest - timedelta(days=rows - 1 - number, hours=1)
        answered = seen + timedelta(days=10)
        dose = (number * 7919) % 101 / 10
        answer = 3 * dose + (number * 31) % 17
        lines.append(f"{number},P{number % patients},{seen},{dose},{answer},{answered}")
    (folder / "visits.csv").write_text("\n".join(lines) + "\n")
    return folder
