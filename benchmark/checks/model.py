"""Check a model of a user: its methods, its optional members, and a short training run."""

import torch

from ...evaluation.naming import one_line
from ...models.autoencoder import coefficient_tensors
from ...models.declaration import read_declaration
from ...models.terms import TERMS, Outputs
from ..errors import BenchError
from .adversary import check_adversary, check_alone, check_opponent, find_adversary
from .calls import call, describe
from .hooks import check_coefficients, check_couple, check_in_class, check_permutes
from .reading import Reading
from .reductions import check_reductions
from .trial import LATENTS, ROWS, SIDE, STEPS, Trial, build, compute

# How much a model's own term may differ from the suite's term of the same name.
TOLERANCE = 1e-3


def check_model(model_class, report, parent=None):
    """Check a model class against the protocol of `models.autoencoder.Autoencoder`.

    Parameters
    ----------
    model_class : type
    report : callable
        Called with a line of text for everything that was found right.
    parent : type, optional
        The class of the model that it continues.

    Raises
    ------
    BenchError
        With the first thing that is wrong.
    """
    try:
        declaration = read_declaration(model_class, model_class.__name__)
    except (TypeError, ValueError) as error:
        raise BenchError(one_line(error)) from error
    hyperparameters, hooks = declaration.hyperparameters, declaration.hooks
    report("has encode, decode and loss")
    if members := _name_members(hooks):
        report(f"optional members: {', '.join(members)}")
    shown = ", ".join(f"{name} = {value}" for name, value in hyperparameters.items())
    report(f"hyperparameters: {shown or 'none'}")
    for channels in (1, 3):
        _check_shapes(model_class, (channels, SIDE, SIDE))
        report(f"encodes and decodes {channels}×{SIDE}×{SIDE} images")
    check_in_class(build(model_class))
    if parent is not None:
        _check_parent(model_class, parent)
        report(f"takes the weights of {declaration.continues}, which it continues")
    _check_losses(model_class, declaration, report)
    trial = _check_training(model_class, hyperparameters, hooks)
    first, *_, last = (row[1] for row in trial.trainer.recorder.rows)
    report(f"trains: NLL {first:.1f} → {last:.1f} nats in {STEPS} steps")
    _check_continuation(model_class, hyperparameters, hooks, trial)
    report("stopped and continued, it ends with the same weights")


def _name_members(hooks):
    """The optional members that a model has, as users write them."""
    members = {
        "coefficients_at": hooks.anneals,
        f"adversary ({hooks.adversary})": hooks.adversary,
        "permutes": hooks.permutes,
        "pairs": hooks.pairs,
        "couple": hooks.couples,
        f"logs ({', '.join(hooks.logs)})": hooks.logs,
    }
    return [name for name, present in members.items() if present]


def _check_shapes(model_class, shape):
    """Encode and decode, as in training and as in evaluation."""
    model = build(model_class, shape)
    images = torch.rand(ROWS, *shape)
    for mode, training in (("", True), (" in evaluation mode", False)):
        model.train(training)
        posterior = call(f"encode{mode}", model.encode, images)
        parts = posterior if isinstance(posterior, tuple | list) else ()
        if [tuple(getattr(part, "shape", ())) for part in parts] != [(ROWS, LATENTS)] * 2:
            raise BenchError(
                f"encode must return posterior means and log-variances{mode}, both of shape "
                f"({ROWS}, {LATENTS}) for {ROWS} images and {LATENTS} latents; it returned "
                f"{describe(posterior)}"
            )
        logits = call(f"decode{mode}", model.decode, posterior[0])
        if getattr(logits, "shape", None) != images.shape:
            raise BenchError(
                f"decode must return logits of shape {tuple(images.shape)}{mode}, "
                f"it returned {describe(logits)}"
            )


def _check_parent(model_class, parent):
    """The parent's weights must fit; training would find out only when the parent is trained."""
    own, given = (
        {name: tuple(getattr(value, "shape", ())) for name, value in state.items()}
        for state in (build(model_class).state_dict(), build(parent).state_dict())
    )
    differing = [name for name in own.keys() | given.keys() if own.get(name) != given.get(name)]
    if differing:
        raise BenchError(
            f"continues: {parent.__name__} and {model_class.__name__} must have the same weights, "
            f"but they differ in {', '.join(sorted(differing)[:5])}"
        )


def _check_losses(model_class, declaration, report):
    """The loss, its terms, and what the optional members add to it."""
    hyperparameters, hooks = declaration.hyperparameters, declaration.hooks
    depending, read_before, read = {}, set(), set()
    if hooks.anneals:
        depending, read_before = check_coefficients(model_class, hyperparameters)
        report("its coefficients depend on nothing but hyperparameters and step")
    tensors = coefficient_tensors({**hyperparameters, **depending}, "cpu")
    coefficients = Reading(tensors, read)
    model = build(model_class)
    if hooks.couples:
        check_couple(model)
        report("couples the posteriors of a pair, and learns from them")
    own = find_adversary(model, hooks.adversary) if hooks.adversary is not None else set()
    outputs = _pass_forward(model, hooks)
    results = _check_loss(model, hooks, outputs, coefficients, report)
    check_reductions(model, declaration, outputs)
    if own:
        check_adversary(model, own, outputs, coefficients)
        check_opponent(model, own, results)
        check_alone(model_class, hyperparameters, hooks, own)
        report("its adversary learns from adversary_loss, and from nothing else")
    if hooks.permutes:
        check_permutes(model, hooks, outputs, tensors)
    _check_all_read([name for name in hyperparameters if name not in read_before], depending, read)


def _pass_forward(model, hooks):
    """What one forward pass on random images gives the losses."""
    rows = 2 * ROWS if hooks.pairs else ROWS
    images = torch.rand(rows, 1, SIDE, SIDE)
    means, log_variances = model.encode(images)
    if hooks.couples:
        first, second = zip(means.chunk(2), log_variances.chunk(2), strict=True)
        halves = zip(*model.couple(first, second), strict=True)
        means, log_variances = (torch.cat(parts) for parts in halves)
    codes = means + torch.exp(0.5 * log_variances) * torch.randn(rows, LATENTS)
    permuted = codes.detach().roll(1, 0) if hooks.permutes else None
    return Outputs(images, model.decode(codes), codes, means, log_variances, permuted)


def _check_loss(model, hooks, outputs, coefficients, report):
    result = compute(model, "loss", outputs, coefficients)
    if not (isinstance(result, tuple | list) and len(result) == 2 and isinstance(result[1], dict)):
        raise BenchError(
            "loss must return the loss and a dict of the terms it has computed, e.g. "
            f"{{'nll': nll, 'kl': kl}}; it returned {describe(result)}"
        )
    value, terms = result
    for name, term in {"loss": value, **terms}.items():
        if not isinstance(term, torch.Tensor) or term.shape != ():
            raise BenchError(
                f"loss must return {name} as one number, a tensor of shape (); "
                f"it returned {describe(term)}"
            )
        if not torch.isfinite(term):
            raise BenchError(f"the {name} of random images is {term.item()}; it must be finite")
    for name in hooks.logs:
        if name not in terms:
            raise BenchError(
                f"logs names {name!r}, a term that loss does not return; it returns: "
                f"{', '.join(terms) or 'none'}"
            )
    report("computes a loss that is a finite number")
    for name, term in terms.items():
        if name in TERMS and abs(term - (ours := TERMS[name](outputs))) > TOLERANCE * abs(ours):
            report(f"logs a {name} of its own: {term.item():.4g}, where ours is {ours.item():.4g}")
    return [value, *terms.values()]


def _check_all_read(hyperparameters, depending, read):
    """Every coefficient must enter a loss, or a sweep over it trains the same model again."""
    for name in (*depending, *hyperparameters):
        if name not in read:
            source = "coefficients_at gives" if name in depending else "Hyperparameters names"
            raise BenchError(
                f"{source} {name!r}, but no loss reads coefficients[{name!r}], so that every value "
                "of it would train the same model"
            )


def _check_training(model_class, hyperparameters, hooks):
    """A few steps of the suite's own loop, in which every parameter must change."""
    trial = Trial(model_class, hyperparameters, hooks)
    untrained = {name: value.detach().clone() for name, value in trial.model.named_parameters()}
    trial.run()
    unused = [
        name
        for name, value in trial.model.named_parameters()
        if value.requires_grad and torch.equal(untrained[name], value)
    ]
    if unused:
        raise BenchError(
            f"training never changed {', '.join(unused[:5])}; every parameter must enter the loss "
            "(or be registered as a buffer)"
        )
    return trial


def _check_continuation(model_class, hyperparameters, hooks, whole):
    """The same steps in two halves must end with the same weights."""
    lost = set(dict(whole.model.named_parameters())) - whole.model.state_dict().keys()
    if lost:
        raise BenchError(
            f"state_dict leaves out {', '.join(sorted(lost)[:5])}, so that no checkpoint would "
            "hold it"
        )
    halves = Trial(model_class, hyperparameters, hooks)
    halves.run(stop_at=STEPS // 2)
    again = Trial(model_class, hyperparameters, hooks)
    again.go_on(halves.saved)
    ends = zip(whole.model.parameters(), again.model.parameters(), strict=True)
    if not all(torch.equal(one, other) for one, other in ends):
        raise BenchError(
            "a run stopped and continued ended with other weights: keep all state in parameters "
            "and buffers, and draw randomness from torch only"
        )
