"""Writes diabetes.csv, the data set inside scikit-learn, unscaled and with a key."""

import argparse
from pathlib import Path


def write(out: Path) -> Path:
    """Write the 442 patients.

    Args:
        out: The folder; it is created.

    Returns:
        The file.

    Raises:
        OSError: if the folder cannot be written.
    """
    from sklearn.datasets import load_diabetes

    frame = load_diabetes(as_frame=True, scaled=False).frame
    frame.columns = [name.upper() for name in frame.columns]
    frame.insert(0, "PATIENT_ID", range(1, len(frame) + 1))
    out.mkdir(parents=True, exist_ok=True)
    frame.to_csv(out / "diabetes.csv", index=False)
    return out / "diabetes.csv"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for diabetes.csv")
    print(write(parser.parse_args().out))
