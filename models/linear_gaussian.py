"""The linear-Gaussian VAE: its problems and its optimum in closed form (NumPy only).

Data y ~ N(0, Σ_Y), encoder q(x|y) = N(By, Σ_W), decoder p(y|x) = N(Ax, Σ_Z), prior N(0, I), and
the loss E[−log p(y|x)] + β KL + λ E‖y − Ax‖², all in nats. `docs/theory.md` derives what is
computed here; the model and the claims are those of arXiv:2602.09277.
"""

import math
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

# Relative size below which an eigenvalue of a covariance counts as zero.
SINGULAR = 1e-12
REGIMES = ("collapse", "water filling", "continuum", "unbounded")


class ProblemError(ValueError):
    """A problem that cannot be posed: wrong shapes, no covariance, singular, unreadable."""


@dataclass(frozen=True)
class Problem:
    """Gaussian observations with linear Gaussian factors: y = Γv + noise.

    Attributes
    ----------
    gamma : ndarray of shape (n, s)
        Loadings Γ of the factors.
    sigma_v : ndarray of shape (s, s)
        Covariance of the factors v.
    sigma_y : ndarray of shape (n, n)
        Covariance of the observations y; positive definite.
    name : str, default "problem"

    Raises
    ------
    ProblemError
        For arrays that do not fit together or are no covariances, and for a singular Σ_Y.
    """

    gamma: np.ndarray
    sigma_v: np.ndarray
    sigma_y: np.ndarray
    name: str = "problem"

    def __post_init__(self):
        for field in ("gamma", "sigma_v", "sigma_y"):
            array = np.asarray(getattr(self, field))
            if array.ndim != 2 or array.dtype.kind not in "fiu" or not array.size:
                raise ProblemError(f"{self.name}: {field} must be a real matrix")
            if not np.isfinite(array).all():
                raise ProblemError(f"{self.name}: {field} holds values that are not finite")
            object.__setattr__(self, field, array.astype(np.float64))
        n, s = self.gamma.shape
        if self.sigma_v.shape != (s, s) or self.sigma_y.shape != (n, n):
            raise ProblemError(
                f"{self.name}: expected gamma (n, s), sigma_v (s, s) and sigma_y (n, n), got "
                f"{self.gamma.shape}, {self.sigma_v.shape} and {self.sigma_y.shape}"
            )
        _require_covariance(self.sigma_v, f"{self.name}: the factors' covariance sigma_v")
        _require_covariance(self.sigma_y, f"{self.name}: the covariance sigma_y")
        if self.eigenvalues[-1] <= SINGULAR * self.eigenvalues[0]:
            raise ProblemError(
                f"{self.name}: the covariance sigma_y is singular (smallest eigenvalue "
                f"{self.eigenvalues[-1]:.3g}, largest {self.eigenvalues[0]:.3g}): the decoder can "
                "predict a direction without error and the NLL is unbounded below; add noise"
            )
        remainder = self.sigma_y - self.gamma @ self.sigma_v @ self.gamma.T
        _require_covariance(
            remainder,
            f"{self.name}: the noise sigma_y - gamma sigma_v gamma'",
            scale=self.eigenvalues[0],
        )

    @property
    def n(self):
        """Number of observed dimensions."""
        return self.gamma.shape[0]

    @property
    def s(self):
        """Number of factors."""
        return self.gamma.shape[1]

    @cached_property
    def _eigen(self):
        values, vectors = np.linalg.eigh(self.sigma_y)
        return values[::-1], vectors[:, ::-1]

    @property
    def eigenvalues(self):
        """Eigenvalues of Σ_Y, largest first, shape (n,)."""
        return self._eigen[0]

    @property
    def eigenvectors(self):
        """Their eigenvectors as columns, shape (n, n)."""
        return self._eigen[1]

    @cached_property
    def entropy(self):
        """Differential entropy of y in nats, ½ ln((2πe)ⁿ |Σ_Y|): the NLL of a collapsed model."""
        return 0.5 * (self.n * math.log(2 * math.pi * math.e) + np.log(self.eigenvalues).sum())

    def notes(self, latents):
        """What a reader should know about the sizes, as sentences."""
        found = []
        if latents > self.n:
            found.append(
                f"{latents} latents for {self.n} observed dimensions: at most {self.n} can be active."
            )
        if self.s > self.n:
            found.append(
                f"{self.s} factors in {self.n} observed dimensions: "
                "no code can tell all factors apart."
            )
        return found


def random_problem(n=50, s=5, noise=0.05, seed=0):
    """Draw a problem as the paper's: standard normal Γ, factor variances uniform in (0.1, 1).

    Parameters
    ----------
    n : int, default 50
        Observed dimensions.
    s : int, default 5
        Factors.
    noise : float, default 0.05
        Variance of the isotropic noise.
    seed : int, default 0

    Returns
    -------
    Problem

    Raises
    ------
    ProblemError
        For sizes below 1, negative noise, and a singular Σ_Y (no noise and fewer factors than
        dimensions).
    """
    if n < 1 or s < 1:
        raise ProblemError(f"expected at least one dimension and one factor, got n = {n}, s = {s}")
    if not 0 <= noise < math.inf:
        raise ProblemError(f"the noise variance must be at least 0, got {noise!r}")
    generator = np.random.default_rng([seed, n, s])
    gamma = generator.standard_normal((n, s))
    sigma_v = np.diag(generator.uniform(0.1, 1.0, s))
    sigma_y = gamma @ sigma_v @ gamma.T + noise * np.eye(n)
    return Problem(gamma, sigma_v, sigma_y, f"random-n{n}-s{s}-seed{seed}")


def load_problem(path):
    """Read a problem from a ``.npz`` with the arrays ``Gamma``, ``Sigma_V`` and ``Sigma_Y``.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Problem
        Named after the file.

    Raises
    ------
    ProblemError
        If the file cannot be read, lacks an array, or poses no problem.
    """
    path = Path(path)
    wanted = ("Gamma", "Sigma_V", "Sigma_Y")
    try:
        with np.load(path, allow_pickle=False) as file:
            missing = [key for key in wanted if key not in file]
            arrays = [] if missing else [file[key] for key in wanted]
    except FileNotFoundError:
        raise ProblemError(f"{path}: no such file") from None
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise ProblemError(f"{path}: not a readable .npz file ({error})") from None
    if missing:
        raise ProblemError(f"{path}: expected the arrays {', '.join(wanted)}; no {missing[0]}")
    return Problem(*arrays, name=path.stem)


def regime(beta, lambda_):
    """Say what kind of optimum a pair of weights has.

    Parameters
    ----------
    beta : float
        Weight of the KL term, above 0.
    lambda_ : float
        Weight of the squared error, at least 0.

    Returns
    -------
    str
        One of `REGIMES`: "collapse" (β > 1, λ = 0: no information is left), "water filling"
        (β > 1, λ > 0), "continuum" (β = 1, λ = 0: every amount of information costs the same),
        "unbounded" (β < 1, or β = 1 with λ > 0: more information always lowers the loss).

    Raises
    ------
    ValueError
        For weights out of range.
    """
    if not 0 < beta < math.inf:
        raise ValueError(f"β must be a finite number above 0, got {beta!r}")
    if not 0 <= lambda_ < math.inf:
        raise ValueError(f"λ must be a finite number of at least 0, got {lambda_!r}")
    if beta > 1:
        return "water filling" if lambda_ > 0 else "collapse"
    return "continuum" if beta == 1 and lambda_ == 0 else "unbounded"


def water_level(beta, lambda_):
    """Water level z* = (β − 1)/(2λ), the decoder's variance on every active mode.

    Parameters
    ----------
    beta, lambda_ : array_like of float
        Broadcast against each other; β > 1. λ = 0 gives infinity.

    Returns
    -------
    ndarray of float
        In the units of y².
    """
    with np.errstate(divide="ignore"):
        return (np.asarray(beta, dtype=float) - 1) / (2 * np.asarray(lambda_, dtype=float))


def active_modes(eigenvalues, beta, lambda_, latents):
    """Count the modes that carry information: s_i > z*, at most one a latent.

    Parameters
    ----------
    eigenvalues : ndarray of shape (n,)
        Of Σ_Y, largest first.
    beta, lambda_ : array_like of float
        β > 1.
    latents : int

    Returns
    -------
    ndarray of int
    """
    level = np.asarray(water_level(beta, lambda_))[..., None]
    return (eigenvalues[:latents] > level).sum(axis=-1)


def information(eigenvalues, beta, lambda_, latents):
    """Mutual information I(x; y) at the optimum: Σ ½ ln(s_i/z*) over the active modes.

    Parameters
    ----------
    eigenvalues, beta, lambda_, latents
        As for `active_modes`.

    Returns
    -------
    ndarray of float
        In nats.
    """
    level = np.asarray(water_level(beta, lambda_))[..., None]
    return 0.5 * np.log(np.maximum(eigenvalues[:latents] / level, 1)).sum(axis=-1)


def critical_lambda(eigenvalues, beta):
    """λ above which each mode is active: (β − 1)/(2 s_i).

    Parameters
    ----------
    eigenvalues : ndarray of shape (n,)
    beta : array_like of float
        β > 1.

    Returns
    -------
    ndarray of shape (..., n)
        The shape of `beta`, then the modes.
    """
    return (np.asarray(beta, dtype=float)[..., None] - 1) / (2 * np.asarray(eigenvalues))


def contraction_factor(beta, lambda_=0.0, variance=0.0):
    """Factor (1 + 2λz)/β by which one alternation multiplies the gain Σ_W⁻¹B on a mode.

    Parameters
    ----------
    beta, lambda_ : array_like of float
    variance : array_like of float, default 0
        The decoder's variance z on that mode. λ = 0 makes it irrelevant: the factor is 1/β.

    Returns
    -------
    ndarray of float
    """
    beta, lambda_ = np.asarray(beta, dtype=float), np.asarray(lambda_, dtype=float)
    return (1 + 2 * lambda_ * np.asarray(variance, dtype=float)) / beta


def gain_spectrum(eigenvalues, beta, lambda_, latents):
    """Singular values of the gain Σ_W⁻¹B at the optimum: √(s_i − z*)/z*, 0 on inactive modes.

    Parameters
    ----------
    eigenvalues, beta, lambda_, latents
        As for `active_modes`, scalars for the weights.

    Returns
    -------
    ndarray of shape (min(n, latents),)
        Largest first.
    """
    if lambda_ == 0:
        return np.zeros(len(eigenvalues[:latents]))
    level = water_level(beta, lambda_)
    return np.sqrt(np.maximum(eigenvalues[:latents] - level, 0)) / level


@dataclass(frozen=True)
class ClosedForm:
    """The optimum of the loss.

    Attributes
    ----------
    regime : str
        One of `REGIMES`.
    level : float
        Water level z*, in the units of y²; NaN where there is none.
    active : int or None
        Number of active modes; None in a continuum.
    information, nll, kl : float
        I(x; y), NLL and KL in nats; NaN in a continuum, infinite where unbounded.
    squared_error : float
        E‖y − Ax‖²; NaN in a continuum.
    loss : float
        In nats; −∞ where unbounded.
    note : str
        Why there are no numbers, or nothing.
    """

    regime: str
    level: float
    active: int | None
    information: float
    nll: float
    kl: float
    squared_error: float
    loss: float
    note: str = ""


def closed_form(problem, beta, lambda_, latents=10):
    """The optimum of the linear-Gaussian VAE by reverse water-filling.

    Parameters
    ----------
    problem : Problem
    beta, lambda_ : float
    latents : int, default 10
        Number of latents m.

    Returns
    -------
    ClosedForm

    Raises
    ------
    ValueError
        For weights out of range or fewer than one latent.

    Examples
    --------
    >>> problem = Problem(np.eye(2), np.diag([8.0, 2.0]) - np.eye(2), np.diag([8.0, 2.0]))
    >>> found = closed_form(problem, beta=9, lambda_=1, latents=2)
    >>> found.level, found.active, round(found.information, 4)  # ½ ln(8/4)
    (4.0, 1, 0.3466)
    """
    if latents < 1:
        raise ValueError(f"expected at least one latent, got {latents}")
    kind = regime(beta, lambda_)
    nan, inf = math.nan, math.inf
    if kind == "continuum":
        note = "every amount of information costs the same: the start decides"
        return ClosedForm(kind, nan, None, nan, nan, nan, nan, float(problem.entropy), note)
    if kind == "unbounded":
        modes = min(latents, problem.n)
        rest = float(problem.eigenvalues[modes:].sum())
        note = "more information always lowers the loss: the NLL is unbounded below"
        return ClosedForm(kind, 0.0, modes, inf, -inf, inf, rest, -inf, note)
    values = problem.eigenvalues
    level = float(water_level(beta, lambda_))
    active = int(active_modes(values, beta, lambda_, latents))
    found = float(information(values, beta, lambda_, latents))
    error = float(values[active:].sum() + (active * level if active else 0.0))
    nll = float(problem.entropy) - found
    loss = nll + beta * found + lambda_ * error
    return ClosedForm(kind, level, active, found, nll, found, error, loss)


def _require_covariance(matrix, what, scale=None):
    """Refuse a matrix that is not symmetric or has a negative eigenvalue."""
    scale = np.abs(matrix).max() if scale is None else scale
    if np.abs(matrix - matrix.T).max() > 1e-8 * scale:
        raise ProblemError(f"{what} is not symmetric")
    smallest = np.linalg.eigvalsh(matrix)[0]
    if smallest < -1e-8 * scale:
        raise ProblemError(f"{what} has a negative eigenvalue, {smallest:.3g}")
