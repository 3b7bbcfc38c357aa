"""What a typed program sees of the public surface; checked by .ci/types, never run."""

from pathlib import Path
from typing import assert_type

import numpy as np

import disentanglement_bench as db

factors = np.zeros((30, 2), dtype=np.int32)
codes = np.zeros((30, 3), dtype=np.float32)

assert_type(db.__version__, str)
assert_type(db.score(codes, factors, metrics=("mig", "dci")), dict[str, float])
scores = db.evaluate(codes, factors, metrics="mig")
assert_type(scores["mig"].value, float)
assert_type(scores["mig"].variant, str)

db.write_representation(Path("mine.h5"), codes, factors, n_train=20)
representation = db.read_representation("mine.h5")
assert_type(representation.n_train, int)

dataset = db.load_dataset("sprites-small")
assert_type(dataset.factor_names, tuple[str, ...])
assert_type(dataset.num_factors, int)
assert_type(dataset.factors_num_values, list[int])
page = db.report("results")
assert_type(page, Path)
