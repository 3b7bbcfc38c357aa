"""Users' models with the optional members of the protocol: right ones, and each way to be wrong."""

from dataclasses import dataclass

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from disentanglement_bench.benchmark.checks.model import check_model
from disentanglement_bench.benchmark.errors import BenchError
from disentanglement_bench.models.terms import kl_divergence, negative_log_likelihood


class Tiny(nn.Module):
    """The four members that every model has, as small as they can be."""

    def __init__(self, image_shape, latent_size):
        super().__init__()
        self.shape = image_shape
        pixels = torch.Size(image_shape).numel()
        self.encoder = nn.Linear(pixels, 2 * latent_size)
        self.decoder = nn.Linear(latent_size, pixels)

    def encode(self, images):
        return self.encoder(images.flatten(1)).chunk(2, dim=1)

    def decode(self, codes):
        return self.decoder(codes).view(-1, *self.shape)

    def loss(self, outputs, coefficients):
        nll, kl = negative_log_likelihood(outputs), kl_divergence(outputs)
        return nll + kl, {"nll": nll, "kl": kl}


def check(model_class):
    lines = []
    check_model(model_class, lines.append)
    return lines


def assert_refused(model_class, message):
    with pytest.raises(BenchError, match=message) as caught:
        check_model(model_class, print)
    assert "\n" not in str(caught.value)


class Annealed(Tiny):
    @dataclass(frozen=True)
    class Hyperparameters:
        beta: float = 4.0
        target: float = 2.0

    @staticmethod
    def coefficients_at(hyperparameters, step, first_phase):
        return {"beta": hyperparameters["beta"] * min(1.0, step / first_phase)}

    def loss(self, outputs, coefficients):
        nll, kl = negative_log_likelihood(outputs), kl_divergence(outputs)
        loss = nll + coefficients["beta"] * (kl - coefficients["target"]).abs()
        return loss, {"nll": nll, "kl": kl}


def anneal(function):
    """The model with another function of the step."""
    return type("Annealed", (Annealed,), {"coefficients_at": staticmethod(function)})


class Remembers:
    calls = 0

    @classmethod
    def coefficients_at(cls, hyperparameters, step, first_phase):
        cls.calls += 1
        return {"beta": float(cls.calls)}


def changes_what_it_gets(hyperparameters, step, first_phase):
    hyperparameters["beta"] *= 0.5
    return {"beta": hyperparameters["beta"]}


def test_coefficients_that_depend_on_the_step():
    lines = check(Annealed)
    assert "optional members: coefficients_at" in lines
    assert "its coefficients depend on nothing but hyperparameters and step" in lines
    # A further name stands beside the hyperparameters, and may replace one altogether.
    check(
        type(
            "Beside",
            (Annealed,),
            {
                "coefficients_at": staticmethod(lambda h, s, f: {"c": h["target"] * s / f}),
                "loss": lambda self, o, c: Annealed.loss(self, o, {**c, "target": c["c"]}),
            },
        )
    )


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (
            lambda h, s, f: {"beta": s / (f // 3)},
            "coefficients_at, at step 0 of a first phase of 1: Z",
        ),
        (lambda h, s: {}, "coefficients_at.*takes 2 positional arguments but 3 were given"),
        (lambda h, s, f: h["beta"], "must return a dict of coefficients by name, it returned 4.0"),
        (lambda h, s, f: {"beta": float("nan")}, "must give a finite number .* 'beta': nan"),
        (lambda h, s, f: {"beta": torch.tensor(1.0)}, r"'beta': a tensor of shape \(\)"),
        (lambda h, s, f: {1: 1.0}, "must give a finite number for each name, it gives 1: 1.0"),
        (
            lambda h, s, f: {} if s < f else {"beta": 1.0},
            "must name the same coefficients at every",
        ),
        (Remembers.coefficients_at, "it must depend on nothing but its arguments"),
        (changes_what_it_gets, "changes the hyperparameters that it is given"),
        (lambda h, s, f: {"bata": 1.0}, r"coefficients_at gives 'bata', but no loss reads"),
    ],
)
def test_coefficients_that_are_wrong(function, message):
    assert_refused(anneal(function), message)


def test_coefficients_at_is_a_function_of_the_class():
    class Method(Annealed):
        def coefficients_at(self, hyperparameters, step, first_phase):
            return {}

    assert_refused(Method, "coefficients_at must be a static method")


def test_a_hyperparameter_that_no_loss_reads_is_refused():
    class Idle(Annealed):
        @dataclass(frozen=True)
        class Hyperparameters:
            beta: float = 4.0
            target: float = 2.0
            gamma: float = 1.0

    assert_refused(Idle, "Hyperparameters names 'gamma', but no loss reads")


class Adversarial(Tiny):
    """A FactorVAE whose weight is 1."""

    adversary = "critic"
    permutes = True
    logs = ("ratio",)

    def __init__(self, image_shape, latent_size):
        super().__init__(image_shape, latent_size)
        self.make_critic(latent_size)

    def make_critic(self, latent_size):
        self.critic = nn.Sequential(nn.Linear(latent_size, 8), nn.ReLU(), nn.Linear(8, 1))

    def loss(self, outputs, coefficients):
        nll, kl = negative_log_likelihood(outputs), kl_divergence(outputs)
        ratio = self.critic(outputs.codes).mean()
        return nll + kl + ratio, {"nll": nll, "kl": kl, "ratio": ratio}

    def adversary_loss(self, outputs, coefficients):
        real, permuted = self.critic(outputs.codes), self.critic(outputs.permuted)
        return F.softplus(-real).mean() + F.softplus(permuted).mean()


class NoCritic(Adversarial):
    adversary = "discriminator"


class Unregistered(Adversarial):
    """Kept where PyTorch does not find it, and so no checkpoint does."""

    def make_critic(self, latent_size):
        super().make_critic(latent_size)
        self.__dict__["critic"] = self._modules.pop("critic")


class OfTheClass(Adversarial):
    """One for all models of the process."""

    critic = nn.Linear(4, 1)


class OnInstance(Adversarial):
    """Says what it wants where nothing looks for it."""

    permutes = False

    def make_critic(self, latent_size):
        super().make_critic(latent_size)
        self.permutes = True


class OfTheSameName(Adversarial):
    adversary = "adversary"


class Unnamed(Adversarial):
    """Hidden, while a submodule that trains nothing of use goes by its name."""

    def make_critic(self, latent_size):
        super().make_critic(latent_size)
        self.hidden = [self._modules.pop("critic")]
        self.decoy = nn.Linear(latent_size, 1)

    adversary = "decoy"

    def critic(self, codes):
        return self.hidden[0](codes)


class LeftOut(Adversarial):
    """Saved without its adversary."""

    def state_dict(self, *arguments, **options):
        state = super().state_dict(*arguments, **options)
        return {key: value for key, value in state.items() if "critic" not in key}

    def load_state_dict(self, state, strict=True, assign=False):
        return super().load_state_dict(state, strict=False)


class OwnOptimiser(Adversarial):
    """Trains its adversary itself, by an optimiser that no checkpoint holds."""

    def loss(self, outputs, coefficients):
        if not hasattr(self, "adam"):
            self.adam = torch.optim.Adam(self.critic.parameters(), 1e-3)
        if self.training and torch.is_grad_enabled():
            self.adam.zero_grad()
            self.adversary_loss(outputs.detach(), coefficients).backward()
            self.adam.step()
        return super().loss(outputs, coefficients)


class OwnOptimiserAlone(Tiny):
    """The same, without saying that there is an adversary."""

    def __init__(self, image_shape, latent_size):
        super().__init__(image_shape, latent_size)
        self.critic = nn.Linear(latent_size, 1)
        self.adam = torch.optim.Adam(self.critic.parameters(), 1e-3)

    def loss(self, outputs, coefficients):
        codes = outputs.codes.detach()
        self.adam.zero_grad()
        (self.critic(codes) - self.critic(codes.roll(1, 0))).square().mean().backward()
        self.adam.step()
        nll, kl = negative_log_likelihood(outputs), kl_divergence(outputs)
        return nll + kl + self.critic(outputs.codes).mean(), {}


class Shared(Adversarial):
    def make_critic(self, latent_size):
        super().make_critic(latent_size)
        self.other = self.critic[0]


class Frozen(Adversarial):
    def make_critic(self, latent_size):
        super().make_critic(latent_size)
        self.critic.requires_grad_(False)


class PartlyIdle(Adversarial):
    def make_critic(self, latent_size):
        super().make_critic(latent_size)
        self.critic[0].idle = nn.Linear(2, 2)


class Detached(Adversarial):
    def adversary_loss(self, outputs, coefficients):
        return super().adversary_loss(outputs, coefficients).detach()


class EncodesAgain(Adversarial):
    def adversary_loss(self, outputs, coefficients):
        means, _ = self.encode(outputs.images)
        return super().adversary_loss(outputs._replace(codes=means), coefficients)


class EveryImage(Adversarial):
    def adversary_loss(self, outputs, coefficients):
        return self.critic(outputs.codes) - self.critic(outputs.permuted)


class NotFinite(Adversarial):
    def adversary_loss(self, outputs, coefficients):
        return super().adversary_loss(outputs, coefficients) / 0


class Breaks(Adversarial):
    def adversary_loss(self, outputs, coefficients):
        raise KeyError("gamma")


class NoPermutation(Adversarial):
    permutes = False


class NeedlessPermutation(Adversarial):
    def adversary_loss(self, outputs, coefficients):
        return self.critic(outputs.codes).square().mean()


class Unopposed(Adversarial):
    """Never asks its adversary."""

    logs = ()

    def loss(self, outputs, coefficients):
        return Tiny.loss(self, outputs, coefficients)


class LogsNothing(Adversarial):
    """Logs a number that is none."""

    def loss(self, outputs, coefficients):
        loss, terms = super().loss(outputs, coefficients)
        return loss, {**terms, "ratio": terms["ratio"] / 0}


class LogsMore(Adversarial):
    logs = ("ratio", "penalty")


def test_an_adversary():
    lines = check(Adversarial)
    assert "optional members: adversary (critic), permutes, logs (ratio)" in lines
    assert "its adversary learns from adversary_loss, and from nothing else" in lines
    assert lines[-1] == "stopped and continued, it ends with the same weights"


def test_permuted_codes_without_an_adversary():
    class Spread(Tiny):
        """Looks at nothing but how far permuted codes are from their mean."""

        permutes = True

        def loss(self, outputs, coefficients):
            loss, terms = super().loss(outputs, coefficients)
            return loss + (outputs.codes.var(dim=0) - outputs.permuted.var(dim=0)).sum(), terms

    assert "optional members: permutes" in check(Spread)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (NoCritic, "no submodule of this name; it has: encoder, decoder, critic"),
        (OfTheSameName, "adversary = 'adversary': the class has an attribute of this name"),
        (OfTheClass, "adversary = 'critic': the class has an attribute of this name"),
        (OnInstance, "permutes is assigned in __init__, where it changes nothing"),
        (Unregistered, "adversary = 'critic' is no registered submodule, so that no checkpoint"),
        (Unnamed, "adversary_loss does not depend on the adversary's parameters"),
        (LeftOut, "state_dict leaves out critic.0.bias, critic.0.weight"),
        (OwnOptimiser, "something other than adversary_loss moves critic.0.weight"),
        (OwnOptimiserAlone, "stopped and continued ended with other weights"),
        (Shared, "adversary = 'critic' shares other.weight with the rest of the model"),
        (Frozen, "adversary = 'critic' has no parameters to train"),
        (PartlyIdle, "adversary_loss does not depend on critic.0.idle.bias, critic.0.idle.weight"),
        (Detached, "does not depend on the adversary's parameters, so that it trains nothing"),
        (EncodesAgain, r"adversary_loss also depends on encoder\.bias"),
        (EveryImage, r"adversary_loss must return one number.* a tensor of shape \(3, 1\)"),
        (NotFinite, "the adversary_loss of random images is inf"),
        (Breaks, "adversary_loss: KeyError: 'gamma'"),
        (NoPermutation, "adversary_loss reads outputs.permuted, which is None unless the model"),
        (NeedlessPermutation, "permutes = True, but neither loss nor adversary_loss depends"),
        (Unopposed, "nothing that loss returns depends on the adversary 'critic'"),
        (LogsNothing, "the ratio of random images is -?inf; it must be finite"),
        (LogsMore, "logs names 'penalty', a term that loss does not return; .* nll, kl, ratio"),
    ],
)
def test_an_adversary_that_is_wrong(model, message):
    assert_refused(model, message)


class Paired(Tiny):
    """Pairs whose posteriors are averaged."""

    pairs = True

    def couple(self, first, second):
        both = tuple((one + other) / 2 for one, other in zip(first, second, strict=True))
        return both, both


def pair(couple):
    return type("Paired", (Paired,), {"couple": couple})


def test_pairs():
    lines = check(Paired)
    assert "optional members: pairs, couple" in lines
    assert "couples the posteriors of a pair, and learns from them" in lines

    class Plain(Tiny):
        """Without `couple`; the loss alone knows that rows belong together."""

        pairs = True

        def loss(self, outputs, coefficients):
            first, second = outputs.means.chunk(2)
            return super().loss(outputs, {})[0] + (first - second).square().mean(), {}

    assert "optional members: pairs" in check(Plain)


def divides_by_the_difference(self, first, second):
    ratio = (first[0] - second[0]).abs().sqrt()
    return (first[0] / ratio, first[1]), second


@pytest.mark.parametrize(
    ("couple", "message"),
    [
        (lambda self, first, second: first, r"it returned \(a tensor of shape \(3, 4\), a tensor"),
        (lambda self, first, second: None, "couple must return two posteriors.* returned None"),
        (lambda self, a, b: ((a[0][:1], a[1]), b), r"a tensor of shape \(1, 4\)"),
        (lambda self, a, b: ((a[0].detach(), a[1]), b), "couple cuts the gradient"),
        (divides_by_the_difference, "not finite, for two images of the same posterior"),
        (lambda self, a, b: ((a[0] / 0, a[1]), b), "gradients that are not finite$"),
        (lambda self, a: a, "couple: TypeError"),
    ],
)
def test_pairs_that_are_coupled_wrongly(couple, message):
    assert_refused(pair(couple), message)


def test_a_model_that_cannot_take_the_two_images_of_a_pair():
    class OnePerPair(Paired):
        def loss(self, outputs, coefficients):
            loss, terms = super().loss(outputs, coefficients)
            return loss + outputs.means[:16].square().sum() / (32 - len(outputs.means)), terms

    assert_refused(OnePerPair, "a training step")


def test_a_checkpoint_that_cannot_be_read_again_is_found():
    class Stateful(Paired):
        def get_extra_state(self):
            return Stateful

        def set_extra_state(self, state):
            pass

    Stateful.__module__, Stateful.__qualname__ = __name__, "Stateful"
    globals()["Stateful"] = Stateful
    try:
        assert_refused(Stateful, "a checkpoint of the model cannot be read again: state_dict must")
    finally:
        del globals()["Stateful"]


def test_a_term_that_is_not_the_suites_own_is_named():
    class Scaled(Paired):
        def loss(self, outputs, coefficients):
            loss, terms = super().loss(outputs, coefficients)
            return loss, {**terms, "kl": 4 * terms["kl"]}

    (line,) = [line for line in check(Scaled) if "of its own" in line]
    assert line.startswith("logs a kl of its own: ")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"adversary": "critic"}, "needs a method adversary_loss"),
        ({"adversary": 3}, "adversary must be the name of a submodule or None, got 3"),
        ({"adversary_loss": print}, "has a method adversary_loss, but it names no adversary"),
        ({"couple": print}, "has a method couple, but it does not say pairs = True"),
        ({"permutes": 1}, "permutes must be True or False, got 1"),
        ({"logs": "ratio"}, "logs must be a tuple of names"),
        ({"logs": ("kl",)}, "logs must be a tuple of names of terms that stand in no log yet"),
        ({"adversary_adam": {"lr": 1e-3}}, "adversary_adam must be a dict with learning_rate"),
    ],
)
def test_members_of_another_form_are_refused(changes, message):
    assert_refused(type("Odd", (Annealed,), changes), message)
