"""The generated samples: reproducible, with the known signal, and of the size that is in the repository."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from include.data.generators import credit_approval as generator
from snowloop.project import include_dir


def test_the_sample_in_the_repository_is_what_the_generator_makes(tmp_path: Path):
    for made in generator.write(tmp_path, rows=4000, seed=7):
        assert made.read_bytes() == (include_dir() / "data" / "credit_approval" / made.name).read_bytes()


def test_the_sample_is_small():
    assert sum(file.stat().st_size for file in (include_dir() / "data" / "credit_approval").iterdir()) < 1_000_000


def bad(sample: generator.Sample) -> np.ndarray:
    fallen = sample.credit.loc[sample.credit["STATUS"].isin(list("2345")), "ID"]
    return sample.applications["ID"].isin(fallen).to_numpy()


def test_the_signal_is_in_the_label():
    sample = generator.generate(20_000, seed=1)
    known = sample.applications["ID"].isin(sample.credit["ID"]).to_numpy()
    assert 0.7 < roc_auc_score(bad(sample)[known], sample.risk[known]) < 0.85
    assert 0.08 < bad(sample)[known].mean() < 0.14
    assert sample.risk[known].mean() == pytest.approx(bad(sample)[known].mean(), abs=0.01)


def test_drift_moves_the_later_rows_alone():
    still, moved = (
        generator.generate(20_000, seed=1, drift=drift).applications["AMT_INCOME_TOTAL"] for drift in (0, 1)
    )
    assert still[:1000].mean() == pytest.approx(moved[:1000].mean(), rel=0.05)
    assert moved[-1000:].mean() < 0.8 * still[-1000:].mean()


def test_faults_are_few_and_of_every_kind():
    sample = generator.generate(2500, seed=2)
    lines = generator.with_faults(sample.applications)[1:]
    cells = [line.split(",") for line in lines]
    assert sum(len(row) != 18 for row in cells) > 0
    whole = [row for row in cells if len(row) == 18]
    assert any(row[5] == "n/a" for row in whole)
    assert any(row[5].startswith("-") for row in whole)
    assert any(row[1] == "XNA" for row in whole)
    assert any(not row[10] for row in whole)
    assert len(lines) == 2500 + 2
