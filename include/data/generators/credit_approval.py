"""Generates application_record.csv and credit_record.csv of any size, with a known signal and optional drift."""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

NOT_EMPLOYED = 365_243
FIRST_ID = 6_000_001
LABELLED_SHARE = 0.85
OCCUPATIONS = {
    "Laborers": 0.24, "Core staff": 0.14, "Sales staff": 0.14, "Managers": 0.12, "Drivers": 0.09,
    "High skill tech staff": 0.06, "Accountants": 0.05, "Medicine staff": 0.05, "Cooking staff": 0.03,
    "Security staff": 0.03, "Cleaning staff": 0.02, "Low-skill Laborers": 0.02, "IT staff": 0.01,
}  # fmt: skip
INCOME_TYPES = {"Working": 0.52, "Commercial associate": 0.23, "Pensioner": 0.17, "State servant": 0.08}
EDUCATION = {
    "Secondary / secondary special": 0.68, "Higher education": 0.27, "Incomplete higher": 0.04, "Lower secondary": 0.01,
}  # fmt: skip
FAMILY = {"Married": 0.69, "Single / not married": 0.13, "Civil marriage": 0.08, "Separated": 0.06, "Widow": 0.04}
HOUSING = {
    "House / apartment": 0.89, "With parents": 0.05, "Municipal apartment": 0.03, "Rented apartment": 0.02,
    "Office apartment": 0.01,
}  # fmt: skip


@dataclass(frozen=True)
class Sample:
    """Generated data.

    Args:
        applications: One row for each applicant, as in the application form.
        credit: Monthly status of the applicants with a credit record.
        risk: The true probability that each applicant goes bad: the known signal.
    """

    applications: pd.DataFrame
    credit: pd.DataFrame
    risk: np.ndarray


def generate(rows: int, seed: int = 7, drift: float = 0.0) -> Sample:
    """Generate applicants and their credit records; the same arguments give the same data.

    Args:
        rows: Number of applicants.
        seed: Seed of the random generator.
        drift: 0: the same population from the first to the last row. Above 0, income and age shift, and low income
            matters more, in proportion to the position of the row in the file; 1 is strong.

    Returns:
        The sample, without faulty rows or lines.
    """
    rng = np.random.default_rng(seed)
    applications = _applications(rng, rows, drift * np.linspace(0.0, 1.0, rows))
    risk = _risk(applications, drift)
    return Sample(applications, _credit(rng, applications["ID"].to_numpy(), rng.random(rows) < risk), risk)


def _pick(rng: np.random.Generator, shares: dict[str, float], rows: int) -> np.ndarray:
    weights = np.array(list(shares.values()))
    return np.array(list(shares))[rng.choice(len(shares), size=rows, p=weights / weights.sum())]


def _applications(rng: np.random.Generator, rows: int, shift: np.ndarray) -> pd.DataFrame:
    income_type = _pick(rng, INCOME_TYPES, rows)
    pensioner = income_type == "Pensioner"
    age = np.where(pensioner, rng.normal(60, 4, rows), rng.normal(40, 9, rows)) - 6 * shift
    age = np.clip(age, 20.5, 69)
    employed = np.clip(rng.gamma(1.4, 4.5, rows), 0.1, age - 19)
    family = _pick(rng, FAMILY, rows)
    children = np.minimum(rng.poisson(np.where(age < 45, 0.6, 0.15)), 5)
    adults = np.where(np.isin(family, ["Married", "Civil marriage"]), 2, 1)
    education = _pick(rng, EDUCATION, rows)
    level = 11.95 + 0.22 * (education == "Higher education") - 0.15 * pensioner - 0.4 * shift
    income = np.round(np.exp(rng.normal(level, 0.45)) / 4500) * 4500
    occupation = np.where(pensioner | (rng.random(rows) < 0.15), "", _pick(rng, OCCUPATIONS, rows))
    return pd.DataFrame(
        {
            "ID": np.arange(FIRST_ID, FIRST_ID + rows),
            "CODE_GENDER": np.where(rng.random(rows) < 0.66, "F", "M"),
            "FLAG_OWN_CAR": np.where(rng.random(rows) < 0.40, "Y", "N"),
            "FLAG_OWN_REALTY": np.where(rng.random(rows) < 0.66, "Y", "N"),
            "CNT_CHILDREN": children,
            "AMT_INCOME_TOTAL": np.maximum(income, 27_000).astype(int),
            "NAME_INCOME_TYPE": income_type,
            "NAME_EDUCATION_TYPE": education,
            "NAME_FAMILY_STATUS": family,
            "NAME_HOUSING_TYPE": _pick(rng, HOUSING, rows),
            "DAYS_BIRTH": -(age * 365.25).astype(int),
            "DAYS_EMPLOYED": np.where(pensioner, NOT_EMPLOYED, -(employed * 365.25).astype(int)),
            "FLAG_MOBIL": 1,
            "FLAG_WORK_PHONE": (rng.random(rows) < 0.23).astype(int),
            "FLAG_PHONE": (rng.random(rows) < 0.30).astype(int),
            "FLAG_EMAIL": (rng.random(rows) < 0.10).astype(int),
            "OCCUPATION_TYPE": occupation,
            "CNT_FAM_MEMBERS": adults + children,
        }
    )


def _risk(frame: pd.DataFrame, drift: float) -> np.ndarray:
    """The known signal: the probability of default."""
    years_employed = np.where(frame["DAYS_EMPLOYED"] > 0, 0.0, -frame["DAYS_EMPLOYED"] / 365.25)
    age = -frame["DAYS_BIRTH"].to_numpy() / 365.25
    low_income = 12.0 - np.log1p(frame["AMT_INCOME_TOTAL"].to_numpy())
    logit = (
        -2.2
        + (1.5 + drift) * low_income
        - 0.14 * np.minimum(years_employed, 12)
        - 0.03 * (age - 42)
        + 0.9 * (frame["NAME_FAMILY_STATUS"] == "Single / not married")
        + 1.2 * frame["NAME_HOUSING_TYPE"].isin(["With parents", "Rented apartment", "Municipal apartment"])
        - 0.8 * (frame["FLAG_OWN_REALTY"] == "Y")
        + 0.5 * (frame["CODE_GENDER"] == "M")
        + 0.4 * frame["CNT_CHILDREN"]
        + 0.9 * frame["OCCUPATION_TYPE"].isin(["Laborers", "Low-skill Laborers", "Drivers"])
    )
    return np.asarray(1.0 / (1.0 + np.exp(-logit)))


def _credit(rng: np.random.Generator, ids: np.ndarray, bad: np.ndarray) -> pd.DataFrame:
    """Months of the applicants with a record; only bad applicants have a month with STATUS 2 to 5."""
    known = rng.random(len(ids)) < LABELLED_SHARE
    months = np.where(known, rng.integers(1, 9, len(ids)), 0)
    owner = np.repeat(np.arange(len(ids)), months)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(months) - months, months)
    status = np.array(list("C0X1"))[rng.choice(4, size=len(owner), p=[0.42, 0.39, 0.175, 0.015])]
    worst = np.array(list("2345"))[rng.choice(4, size=len(ids), p=[0.6, 0.2, 0.1, 0.1])]
    fell = rng.integers(0, np.maximum(months, 1))
    status = np.where(bad[owner] & (place == fell[owner]), worst[owner], status)
    return pd.DataFrame({"ID": ids[owner], "MONTHS_BALANCE": -place, "STATUS": status})


def with_faults(applications: pd.DataFrame) -> list[str]:
    """The lines of application_record.csv with faults like those of real files.

    Args:
        applications: The good rows.

    Returns:
        Header and lines. One of 300 rows breaks the contract (in turn: income below 0, a gender that is not
        allowed, no birth date, a duplicate key); one of 500 lines cannot be loaded (text for a number, too few fields).
    """
    header, *lines = applications.to_csv(index=False, lineterminator="\n").splitlines()
    out = [header]
    for number, line in enumerate(lines, start=1):
        cells = line.split(",")
        fault = number // 300 % 4 if number % 300 == 150 else None
        if fault == 0:
            cells[5] = "-" + cells[5]
        elif fault == 1:
            cells[1] = "XNA"
        elif fault == 2:
            cells[10] = ""
        if number % 500 == 250:
            cells = [*cells[:5], "n/a", *cells[6:]] if number // 500 % 2 == 0 else cells[:9]
        out.append(",".join(cells))
        if fault == 3:
            out.append(line)
    return out


def write(out: Path, rows: int, seed: int = 7, drift: float = 0.0, *, faults: bool = True) -> list[Path]:
    """Write both files.

    Args:
        out: The folder; it is created.
        rows: Number of applicants.
        seed: Seed of the random generator.
        drift: See ``generate``.
        faults: Whether to add faulty lines and rows.

    Returns:
        The two files.

    Raises:
        OSError: if the folder cannot be written.
    """
    sample = generate(rows, seed, drift)
    out.mkdir(parents=True, exist_ok=True)
    application, credit = out / "application_record.csv", out / "credit_record.csv"
    if faults:
        application.write_text("\n".join(with_faults(sample.applications)) + "\n", newline="")
    else:
        sample.applications.to_csv(application, index=False, lineterminator="\n")
    sample.credit.to_csv(credit, index=False, lineterminator="\n")
    return [application, credit]


def main() -> None:
    """Read the command line and write the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=4000, help="number of applicants (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=7, help="seed (default: %(default)s)")
    parser.add_argument("--drift", type=float, default=0.0, help="0: none, 1: strong (default: %(default)s)")
    parser.add_argument("--clean", action="store_true", help="no faulty lines and rows")
    parser.add_argument("--out", type=Path, required=True, help="folder for the two files")
    arguments = parser.parse_args()
    for file in write(arguments.out, arguments.rows, arguments.seed, arguments.drift, faults=not arguments.clean):
        print(file)


if __name__ == "__main__":
    main()
