"""What the driver does for all metrics: arrays in, scores out."""

import json

import numpy as np
import pytest
import torch

from disentanglement_bench.evaluation import (
    Key,
    Metric,
    MetricError,
    RepresentationError,
    Score,
    check_metric,
    evaluate,
    explicitness,
    mig,
    sap,
    score,
    udr,
)
from disentanglement_bench.evaluation.metrics import METRICS
from disentanglement_bench.evaluation.metrics.driver import compute
from disentanglement_bench.evaluation.metrics.sample import represent
from disentanglement_bench.evaluation.metrics.score import as_score
from disentanglement_bench.evaluation.representation.file_format import Representation


def half(codes, factors, n_train):
    """Half of everything."""
    return 0.5


def metric(function, *keys, **declared):
    return Metric("own", function, tuple(Key(key) for key in keys or ("own",)), **declared)


# Metrics of a single representation.
ALONE = [name for name, metric in METRICS.items() if not metric.grouped]


@pytest.fixture
def arrays(stream):
    factors = stream.integers(0, 3, (90, 2))
    return factors + 0.2 * stream.normal(size=(90, 2)), factors


def test_keys_of_the_four_scores(arrays):
    found = score(*arrays)
    assert list(found) == [
        "mig",
        "sap",
        "dci_disentanglement",
        "dci_completeness",
        "dci_informativeness_train",
        "dci_informativeness_test",
        "mi_matched",
        "mi_matched_fraction",
        "mi_mean_max",
    ]
    assert all(isinstance(value, float) for value in found.values())


def test_twins_come_with_log_variances(arrays):
    found = score(*arrays, ["mig", "mi"], log_variances=np.zeros((90, 2)))
    assert set(found) - set(score(*arrays, ["mig", "mi"])) == {
        "mig_sampled",
        "mi_matched_sampled",
        "mi_matched_fraction_sampled",
        "mi_mean_max_sampled",
    }


def test_seed_decides_the_draw(arrays):
    values = [score(*arrays, "mig", np.zeros((90, 2)), seed=s)["mig_sampled"] for s in (0, 0, 1)]
    assert values[0] == values[1] != values[2]


def test_undefined_is_nan_and_evaluate_says_why(arrays):
    assert np.isnan(score(arrays[0][:, :1], arrays[1], "mig")["mig"])
    found = evaluate(arrays[0][:, :1], arrays[1], "mig")["mig"]
    assert found.values == {"mig": None}
    assert np.isnan(found.value)
    assert found.reason == "one code: there is no second one to compare it with"
    assert evaluate(*arrays, "mig")["mig"].reason == ""


def test_evaluate_gives_scores_by_metric(arrays):
    found = evaluate(*arrays, ["mig", half, METRICS["sap"]], log_variances=np.zeros((90, 2)))
    assert list(found) == ["mig", "mig_sampled", "half", "sap"]
    assert found["mig"].matrix.shape == (2, 2)
    assert found["mig"].variant == "mig[hist20,plugin,mean]"
    assert found["mig_sampled"].settings == {"num_bins": 20, "seed": 0}
    assert found["half"].value == 0.5


@pytest.mark.parametrize("name", ALONE)
def test_metadata_agree_with_results(arrays, name):
    made = Representation(*arrays, log_variances=np.zeros((90, 2)))
    found = compute(METRICS[name], made)
    assert found.metric == name
    assert found.variant == METRICS[name].variant
    assert list(found.values) == [key.name for key in METRICS[name].keys]
    plain = {**found.as_dict(), "matrix": None}
    assert json.loads(json.dumps(plain, allow_nan=False))["metric"] == name


@pytest.mark.parametrize("name", ALONE)
def test_lists_have_a_place_for_every_factor(arrays, name):
    factors = np.column_stack([np.zeros(90, int), arrays[1]])
    made = Representation(arrays[0], factors, log_variances=np.zeros((90, 2)))
    found = compute(METRICS[name], made)
    assert found.notes == ("left out, constant in the training part: factor_0",)
    for values in found.per_factor.values():
        assert len(values) == 3
        assert values[0] is None
    assert all(len(values) == 2 for values in found.per_code.values())
    assert all(len(v) == 3 for v in found.reference.values() if isinstance(v, list))
    if found.matrix is not None:
        assert found.matrix.shape == (2, 3)
        assert np.isnan(found.matrix[:, 0]).all()


def test_metrics_are_called_like_functions(arrays):
    found = mig(*arrays, n_train=60)
    assert found.values == evaluate(*arrays, "mig", n_train=60)["mig"].values
    drawn = mig(*arrays, n_train=60, log_variances=np.zeros((90, 2)), seed=3)
    assert drawn.metric == "mig_sampled"
    assert drawn.value == score(*arrays, "mig", np.zeros((90, 2)), 60, 3)["mig_sampled"]


def test_changed_options_are_named_in_the_variant(arrays):
    found = mig(*arrays, num_bins=10)
    assert found.variant == "mig[hist20,plugin,mean] with num_bins=10"
    assert found.settings == {"num_bins": 10}
    assert mig(*arrays, num_bins=20).variant == "mig[hist20,plugin,mean]"
    with pytest.raises(TypeError, match="unknown option of mig 'num_bin'; did you mean 'num_bins'"):
        mig(*arrays, num_bin=10)


def test_factors_can_be_left_out(arrays):
    codes, factors = arrays
    more = np.column_stack([factors, np.arange(90) % 4])
    names = ["shape", "x", "orientation"]
    found = mig(codes, more, factor_names=names, without_factors=["orientation"])
    assert found.value == mig(codes, factors).value
    assert found.per_factor["mig"][2] is None
    assert found.variant == "mig[hist20,plugin,mean] without orientation"
    assert found.notes == ("left out, as asked for: orientation",)
    with pytest.raises(MetricError, match="unknown factor 'orientaton'; did you mean"):
        mig(codes, more, factor_names=names, without_factors=["orientaton"])
    found = mig(codes, more, factor_names=names, without_factors=names)
    assert found.reason == "no factor varies in the training part"


def test_a_function_of_ones_own_can_leave_factors_out_too(arrays):
    def count(codes, factors, n_train, factor_names):
        return len(factor_names) + factors.shape[1]

    found = metric(count)(*arrays, factor_names=["a", "b"], without_factors=["b"])
    assert found.value == 2.0


@pytest.mark.parametrize("declared", [["orientation"], '["orientation"]'])
def test_what_is_left_of_a_score_without_what_the_images_do_not_determine(arrays, declared):
    names = ["shape", "orientation"]
    attributes = {"unidentifiable_factors": declared}
    made = Representation(*arrays, factor_names=names, attributes=attributes)
    for name in ("mig", "sap", "sap_continuous"):
        found = compute(METRICS[name], made)
        assert found.reference["without_unidentifiable"] == {
            "factors": ["orientation"],
            "value": found.per_factor[name][0],
        }
    assert "without_unidentifiable" not in compute(METRICS["dci"], made).reference


@pytest.mark.parametrize(
    "declared", [[], "[", "orientation", 3, ["colour"], [["a"]], ["shape", "x"]]
)
def test_nothing_is_left_out_where_nothing_is_declared(arrays, declared):
    """A name alone says nothing: orientation can be identified in many data sets."""
    attributes = {"unidentifiable_factors": declared}
    names = ["x", "orientation"] if declared != ["shape", "x"] else ["shape", "x"]
    made = Representation(*arrays, factor_names=names, attributes=attributes)
    assert "without_unidentifiable" not in compute(METRICS["mig"], made).reference


def test_nothing_is_left_out_of_an_undefined_score(arrays):
    made = Representation(
        arrays[0][:, :1],
        arrays[1],
        factor_names=["x", "orientation"],
        attributes={"unidentifiable_factors": ["orientation"]},
    )
    assert compute(METRICS["mig"], made).reference == {}


def test_a_metric_on_posteriors_needs_them(arrays):
    with pytest.raises(MetricError, match="'mig_sampled' needs log_variances"):
        score(*arrays, ["mig_sampled"])


def test_functions_get_what_they_name(arrays):
    def parts(codes, factors, test_codes, test_factors, factor_names, seed):
        assert (len(codes), len(test_codes)) == (len(factors), len(test_factors)) == (60, 30)
        return {"seed": seed, "factors": len(factor_names)}

    factors = np.column_stack([arrays[1], np.zeros(90, int)])
    found = metric(parts, "seed", "factors")(arrays[0], factors, seed=4)
    assert found.values == {"seed": 4.0, "factors": 2.0}
    assert found.settings == {"seed": 4}

    def whole(codes, factors, n_train, **options):
        return {"rows": len(codes), "seed": options["seed"], "factors": factors.shape[1]}

    own = metric(whole, "rows", "seed", "factors", options=("seed",))
    assert own(arrays[0], factors, seed=4).values == {"rows": 90.0, "seed": 4.0, "factors": 3.0}

    def posterior(codes, factors, log_variances):
        return log_variances.shape[0]

    assert metric(posterior)(*arrays, log_variances=np.zeros((90, 2))).value == 60.0
    with pytest.raises(MetricError, match="'own' needs log-variances"):
        metric(posterior)(*arrays)


def test_functions_get_both_parts_in_one_where_they_ask(arrays):
    def both(codes, factors, all_codes, all_factors, all_log_variances, factor_kinds):
        assert all_codes[:60].tolist() == codes.tolist()
        assert all_factors[:60].tolist() == factors.tolist()
        assert factor_kinds == ("",) * factors.shape[1]
        return {"rows": len(all_factors), "factors": all_factors.shape[1]}

    own = metric(both, "rows", "factors")
    factors = np.column_stack([arrays[1], np.zeros(90, int)])
    names = ["a", "b", "constant"]
    found = own(
        arrays[0],
        factors,
        log_variances=np.zeros((90, 2)),
        factor_names=names,
        without_factors=["a"],
    )
    assert found.values == {"rows": 90.0, "factors": 1.0}
    with pytest.raises(MetricError, match="'own' needs log-variances"):
        own(arrays[0], factors)


def spread(codes, factors, all_codes, log_variances):
    """Codes by factors and one number a code, of as many codes as there are."""
    assert all_codes.shape[1] == codes.shape[1] == log_variances.shape[1]
    each = codes.std(axis=0)
    matrix = np.outer(each, np.ones(factors.shape[1]))
    return Score(values={"own": codes.shape[1] / 10}, per_code={"own": each}, matrix=matrix)


def test_active_codes_alone(arrays):
    """Latents 1 and 3 have a KL of about 5e-7 and of 0.009 nats, the others of more than 0.01."""
    codes = np.column_stack([arrays[0][:, 0], np.full(90, 1e-3), arrays[0][:, 1], np.full(90, 0.0)])
    variance = np.array([1.0, 1.0, 1.0, np.exp(0.185)])
    log_variances = np.log(variance) + np.zeros(codes.shape)
    own = metric(spread, masked=True, variant="own[x]")
    found = evaluate(codes, arrays[1], own, log_variances=log_variances)
    assert list(found) == ["own", "own_active"]
    assert found["own"].value == 0.4
    active = found["own_active"]
    assert (active.value, active.variant) == (0.2, "own[x,kl>0.01]")
    assert active.notes == ("left out, KL at most 0.01 nats: codes 1, 3",)
    spreads = found["own"].per_code["own"]
    assert active.per_code["own_active"] == [spreads[0], None, spreads[2], None]
    assert active.matrix.shape == (4, 2)
    assert np.isnan(active.matrix[[1, 3]]).all()
    assert active.matrix[[0, 2]].tolist() == found["own"].matrix[[0, 2]].tolist()


def test_the_test_part_does_not_make_a_code_active(arrays):
    codes, log_variances = arrays[0].copy(), np.zeros((90, 2))
    codes[:60, 1] = 0.0
    codes[60:, 1] = 9.0
    own = metric(spread, masked=True)
    found = evaluate(codes, arrays[1], own, log_variances, n_train=60)
    assert found["own_active"].value == 0.1


def test_a_metric_that_parts_rows_itself_gets_active_codes(arrays):
    def count(codes, factors, n_train, log_variances, factor_kinds):
        assert codes.shape == log_variances.shape
        return codes.shape[1] / 10

    codes = np.column_stack([arrays[0], np.zeros(90)])
    found = evaluate(codes, arrays[1], metric(count, masked=True), np.zeros(codes.shape))
    assert found["own_active"].value == 0.2


def test_too_few_active_codes(arrays):
    def compare(sample, settings):
        return "" if sample.codes.shape[1] > 1 else "one code"

    own = metric(half, masked=True, twin=True, needs=(compare,))
    codes = np.column_stack([arrays[0][:, 0], np.zeros(90)])
    found = evaluate(codes, arrays[1], own, np.zeros((90, 2)))
    assert list(found) == ["own", "own_sampled", "own_active"]
    assert found["own"].value == found["own_sampled"].value == 0.5
    assert found["own_active"].values == {"own_active": None}
    assert found["own_active"].reason == "one code (1 of 2 codes have a KL above 0.01 nats)"
    found = evaluate(codes * 0.0, arrays[1], own, np.zeros((90, 2)))
    assert found["own_active"].reason == "no code has a KL above 0.01 nats"


def test_all_leaves_out_what_needs_posteriors(arrays, monkeypatch):
    chosen = [METRICS["mig"], metric(spread)]
    monkeypatch.setattr(
        "disentanglement_bench.evaluation.metrics.registry.all_metrics", lambda: chosen
    )
    assert list(evaluate(*arrays, "all")) == ["mig"]
    assert list(evaluate(*arrays, "all", np.zeros((90, 2)))) == ["mig", "mig_sampled", "own"]
    with pytest.raises(MetricError, match="'own' needs log_variances"):
        evaluate(*arrays, ["all", chosen[1]])


def test_twins_of_ones_own_metrics(arrays):
    def width(codes, factors):
        return Score(values={"own": np.ptp(codes)}, per_factor={"own": np.zeros(2)})

    own = metric(width, twin=True, variant="own[x]")
    found = evaluate(*arrays, own, log_variances=np.full((90, 2), 4.0))
    assert list(found) == ["own", "own_sampled"]
    assert found["own_sampled"].value > found["own"].value
    assert list(found["own_sampled"].per_factor) == ["own_sampled"]
    assert found["own_sampled"].variant == "own[x,sampled]"


def test_needs_of_ones_own_metrics(arrays):
    def no_more_than_ten(sample, settings):
        return "too many rows" if len(sample.codes) > 10 else ""

    assert metric(half, needs=(no_more_than_ten,))(*arrays).reason == "too many rows"


def test_results_that_are_not_scores():
    own = metric(half, "a", "b")
    with pytest.raises(MetricError, match=r"declares \['a', 'b'\], not \['a'\]"):
        as_score(own, 1.0)
    with pytest.raises(MetricError, match="must return numbers, not"):
        as_score(own, {"a": "x", "b": 1})
    with pytest.raises(MetricError, match="declares"):
        as_score(own, mig([[0.0, 1.0]] * 30, [[0]] * 30))
    found = as_score(own, {"b": float("nan"), "a": 1})
    assert found.values == {"a": 1.0, "b": None}
    assert found.reasons == {"b": "the metric returned no finite number"}
    found = as_score(own, Score(values={"a": None, "b": 2}, reasons={"a": "because"}))
    assert found.values == {"a": None, "b": 2.0}
    assert found.reason == "because"


def test_a_score_of_ones_own_keeps_its_variant(arrays):
    def scored(codes, factors, n_train):
        return Score("own", {"own": 0.25}, "own[special]", per_factor={"x": np.zeros(3)})

    found = metric(scored, variant="own[plain]")(*arrays)
    assert (found.value, found.variant, found.per_factor) == (
        0.25,
        "own[special]",
        {"x": [0.0] * 3},
    )


def test_tensors_are_taken(arrays):
    codes, factors = torch.tensor(arrays[0], requires_grad=True), torch.tensor(arrays[1])
    assert mig(codes, factors).value == mig(*arrays).value
    half_precision = torch.tensor(arrays[0], dtype=torch.bfloat16)
    assert mig(half_precision, factors, log_variances=torch.zeros(90, 2)).value > 0


@pytest.mark.parametrize(
    ("codes", "factors", "message"),
    [
        (np.zeros((4, 90)), np.zeros((2, 90), int), r"pass codes\.T and factors\.T"),
        (np.zeros((2, 90)), np.zeros((2, 90), int), r"pass codes\.T and factors\.T"),
        (
            np.zeros((90, 4)),
            np.zeros(90, int),
            r"factors must have .* factors\[:, None\]",
        ),
        (np.zeros(90), np.zeros((90, 1), int), r"codes must have .* codes\[:, None\]"),
        (np.zeros((3, 2)), [["a"], ["b"], ["c"]], r"number the classes.*return_inverse=True"),
        ([["a"], ["b"], ["c"]], np.zeros((3, 1), int), "codes hold text .* convert them"),
        ([[1.0], [1.0, 2.0]], [[0], [1]], "codes must have rows of one length"),
        (np.zeros((89, 2)), np.zeros((90, 2), int), "codes have 89 rows but factors 90"),
    ],
)
def test_arrays_that_do_not_fit_are_refused_with_advice(codes, factors, message):
    for function in (mig, score, evaluate):
        with pytest.raises(RepresentationError, match=message):
            function(codes, factors)


def test_few_rows_are_no_transposition():
    assert represent(np.zeros((2, 5)), np.zeros((2, 1), int)).codes.shape == (2, 5)


@pytest.mark.parametrize("name", ALONE)
@pytest.mark.parametrize("size", [1.7e308, 1e200, 1e-320])
def test_codes_at_the_ends_of_double_precision(stream, name, size):
    factors = stream.integers(0, 3, (90, 3))
    codes = np.stack(
        [
            (factors[:, 0] - 1.0 + 0.1 * stream.uniform(-1, 1, 90)).clip(-1, 1) * size,
            stream.choice([-size, size], 90),
            np.full(90, size),
        ],
        axis=1,
    )
    made = Representation(codes, factors, log_variances=np.zeros((90, 3)))
    with np.errstate(all="raise", under="ignore"):
        found = compute(METRICS[name], made)
    assert found.reason or all(np.isfinite(value) for value in found.values.values())


def test_a_large_constant_code_fills_one_bin(arrays):
    codes = np.column_stack([arrays[0], np.full(90, 1e17)])
    assert mig(codes, arrays[1]).matrix[2].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("scale", [1e-19, 1e19, 2e38])
def test_explicitness_does_not_depend_on_scale(arrays, scale):
    """Single precision holds the codes, though not their squares."""
    codes, factors = arrays[0].astype(np.float32), arrays[1]
    codes /= np.abs(codes).max()
    found = explicitness(codes * np.float32(scale), factors)
    assert found.values == pytest.approx(explicitness(codes, factors).values, abs=1e-4)
    assert found.values["explicitness_test"] > 0.9


def test_sap_names_its_cost(arrays):
    assert sap(*arrays).settings == {"cost": 0.01}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": "q"}, "seed must be a whole number from 0, not 'q'"),
        ({"seed": -1}, "seed must be a whole number from 0, not -1"),
        ({"n_jobs": 0}, "n_jobs must be a whole number from 1, not 0"),
    ],
)
def test_numbers_that_are_none_are_refused(options, message):
    factors = np.random.default_rng(0).integers(0, 3, (60, 2))
    with pytest.raises(MetricError, match=message):
        score(factors * 1.0, factors, ["mig"], **options)


def test_a_metric_of_several_runs_is_refused_on_one(arrays):
    for call in (
        lambda: evaluate(*arrays, "udr"),
        lambda: evaluate(*arrays, ["all", "udr"]),
        lambda: udr(*arrays),
        lambda: check_metric("udr"),
    ):
        with pytest.raises(MetricError, match=r"'udr' compares the seeds .* run bench evaluate on"):
            call()
    assert "udr" not in evaluate(*arrays, "all", n_train=60)
