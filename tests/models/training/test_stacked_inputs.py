"""What stacked runs share, and their losses as weighted sums of terms."""

import pytest
import torch

from disentanglement_bench.models.autoencoder import coefficient_tensors, sum_terms
from disentanglement_bench.models.training.batches import Batches
from disentanglement_bench.models.training.images import Images
from disentanglement_bench.models.training.stacked_inputs import (
    SharedInputs,
    StackedCoefficients,
    WeighedLoss,
)
from disentanglement_bench.models.training.streams import Noise
from disentanglement_bench.models.zoo.annealedvae import AnnealedVAE
from disentanglement_bench.models.zoo.betatcvae import BetaTCVAE
from disentanglement_bench.models.zoo.betavae import BetaVAE
from disentanglement_bench.models.zoo.lambdabeta import LambdaBetaVAE
from disentanglement_bench.models.zoo.vae import VAE


class Counted(Noise):
    """Noise that counts how often it is asked."""

    asked = 0

    def __call__(self, step):
        Counted.asked += 1
        return super().__call__(step)


def test_a_seed_that_runs_share_is_computed_once_a_step():
    Counted.asked = 0
    shared = SharedInputs([Counted((4, 3), 7, "cpu") for _ in range(5)])
    assert shared.dimension is None
    assert torch.equal(shared(9), Noise((4, 3), 7, "cpu")(9))
    assert Counted.asked == 1
    mixed = SharedInputs([Counted((4, 3), seed, "cpu") for seed in (1, 0, 1)])
    assert mixed.dimension == 0
    result = mixed(2)
    assert Counted.asked == 3
    for number, seed in enumerate((1, 0, 1)):
        assert torch.equal(mixed.select(result, number), Noise((4, 3), seed, "cpu")(2))


def test_batches_of_other_images_are_not_shared(tiny_source):
    images = [Images(tiny_source, "cpu") for _ in range(2)]
    one, same, other = (Batches(images[i], 4, 0) for i in (0, 0, 1))
    assert SharedInputs([one, same], images=True).dimension is None
    assert SharedInputs([one, other], images=True).dimension == 1
    functions = [lambda step: torch.zeros(2), lambda step: torch.ones(2)]
    assert SharedInputs(functions)(0).tolist() == [[0, 0], [1, 1]]


@pytest.mark.parametrize("channels", [1, 3])
def test_channels_of_all_runs_lie_last_in_memory(channels):
    batches = [torch.rand(2, channels, 4, 4) for _ in range(3)]
    shared = SharedInputs([lambda step, batch=batch: batch for batch in batches], images=True)
    stacked = shared(0)
    assert stacked.shape == (2, 3, channels, 4, 4)
    for number, batch in enumerate(batches):
        assert torch.equal(shared.select(stacked, number), batch)
    assert stacked.flatten(1, 2).is_contiguous(memory_format=torch.channels_last)


def test_weights_stand_where_a_loss_has_the_term(make_trainer):
    trainers = [
        make_trainer(VAE, {}),
        make_trainer(LambdaBetaVAE, {"beta": 3.0, "lambda": 0.0}),
        make_trainer(BetaTCVAE, {"beta": 5.0}),
    ]
    coefficients = StackedCoefficients(trainers, weighed=True)
    values = {name: value.tolist() for name, value in coefficients(0).items()}
    assert values == {"nll": [1, 1, 1], "kl": [1, 3, 1], "l2": [0, 0, 0], "tc": [0, 0, 4]}
    assert coefficients.terms == ("nll", "kl", "l2", "tc")
    # A weight that is 0 is there all the same.
    present = {name: value.tolist() for name, value in coefficients.present.items()}
    assert present == {"l2": [False, True, False], "tc": [False, False, True]}


def test_coefficients_that_depend_on_the_step_are_filled_into_the_same_tensors(make_trainer):
    values = ({"gamma": 5.0, "c_max": 8.0}, {"gamma": 6.0, "c_max": 2.0})
    trainers = [make_trainer(AnnealedVAE, given, phases=(12,)) for given in values]
    coefficients = StackedCoefficients(trainers, weighed=False)
    places = {name: value.data_ptr() for name, value in coefficients(0).items()}
    for step, capacities in ((0, [0, 0]), (1, [2, 0.5]), (4, [8, 2]), (11, [8, 2])):
        now = coefficients(step)
        assert now["c_max"].tolist() == capacities
        assert now["gamma"].tolist() == [5, 6]
        assert {name: value.data_ptr() for name, value in now.items()} == places


def test_weights_that_depend_on_the_step_follow_it(make_trainer):
    class Warmed(BetaVAE):
        @staticmethod
        def coefficients_at(hyperparameters, step, first_phase):
            return {"beta": hyperparameters["beta"] * step / first_phase}

    trainers = [make_trainer(Warmed, {"beta": 7.0}), make_trainer(BetaVAE, {"beta": 7.0})]
    coefficients = StackedCoefficients(trainers, weighed=True)
    assert [coefficients(step)["kl"].tolist() for step in (0, 3)] == [[0, 7], [3, 7]]


def test_an_unknown_term_is_named(make_trainer):
    class Odd(BetaVAE):
        @staticmethod
        def weigh_terms(coefficients):
            return {"nll": 1, "sparsity": coefficients["beta"]}

    with pytest.raises(ValueError, match="weigh_terms names 'sparsity', which is no term; there"):
        StackedCoefficients([make_trainer(Odd)], weighed=True)


@pytest.mark.parametrize(
    ("model_class", "values"),
    [
        (VAE, {}),
        (BetaVAE, {"beta": 3.0}),
        (LambdaBetaVAE, {"beta": 3.0, "lambda": 2.0}),
        (BetaTCVAE, {"beta": 3.0}),
    ],
)
def test_the_weighted_sum_has_the_value_and_gradients_of_the_models_own(
    model_class, values, make_outputs
):
    """As a member of a stack in which others have further terms."""
    weights = model_class.weigh_terms(coefficient_tensors(values, "cpu"))
    names = ("nll", "kl", "l2", "tc")
    stacked = (
        {name: torch.as_tensor(weights.get(name, 0.0)) for name in names},
        {name: torch.tensor(name in weights) for name in ("l2", "tc")},
    )
    results = []
    for compute, given in ((sum_terms, weights), (WeighedLoss(names), stacked)):
        outputs = make_outputs(3)
        loss, terms = compute(outputs, given)
        loss.backward()
        gradients = [part.grad for part in outputs[1:5]]
        results.append([loss.detach(), terms["nll"].detach(), terms["kl"].detach(), *gradients])
    for one, other in zip(*results, strict=True):
        if one is None:
            # Nothing of the model's own loss reads the codes.
            assert not other.any()
        else:
            torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-12)


def test_logits_of_any_size_have_a_finite_cross_entropy(make_outputs):
    outputs = make_outputs(0)
    wide = outputs._replace(logits=outputs.logits.detach() * 1000)
    weights = {"nll": torch.tensor(1.0)}
    expected, _ = sum_terms(wide, {"nll": 1})
    torch.testing.assert_close(WeighedLoss(("nll",))(wide, (weights, {}))[0], expected)
