"""Problems for the linear-Gaussian VAE: Gaussian data with known factors (NumPy only)."""

import math
import struct
import zipfile
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

# Relative size below which an eigenvalue of a covariance counts as zero.
SINGULAR = 1e-12
# Entries beyond this, and eigenvalues below its reciprocal, leave the range in which products of
# three matrices are finite.
LARGEST_ENTRY = 1e60
# Bytes of the arrays in a file: 5,000 dimensions.
LARGEST_FILE = 300_000_000
_UNREADABLE = (
    OSError, ValueError, TypeError, EOFError, KeyError, OverflowError, MemoryError, RuntimeError,
    zipfile.BadZipFile, zlib.error, struct.error,
)  # fmt: skip


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
            array = array.astype(np.float64)
            largest = np.abs(array).max()
            if largest > LARGEST_ENTRY:
                raise ProblemError(
                    f"{self.name}: {field} reaches {largest:.3g}, but no entry may be beyond "
                    f"{LARGEST_ENTRY:g}; measure y and v in larger units"
                )
            object.__setattr__(self, field, array)
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
        if self.eigenvalues[-1] < 1 / LARGEST_ENTRY:
            raise ProblemError(
                f"{self.name}: the smallest eigenvalue of sigma_y is {self.eigenvalues[-1]:.3g}, "
                f"but none may be below {1 / LARGEST_ENTRY:g}; measure y in smaller units"
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
                f"{latents} latents for {self.n} observed dimensions: "
                f"at most {self.n} can be active."
            )
        if self.s > self.n:
            found.append(
                f"{self.s} factors in {self.n} observed dimensions: "
                "no code can tell all factors apart."
            )
        return found


def draw_problem(n=50, s=5, noise=0.05, seed=0):
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
    try:
        # np.load leaves a broken archive open when it opens it itself.
        with open(path, "rb") as stream:
            arrays = _read_arrays(np.load(stream, allow_pickle=False), path)
    except ProblemError:
        raise
    except FileNotFoundError:
        raise ProblemError(f"{path}: no such file") from None
    except _UNREADABLE as error:
        raise ProblemError(f"{path}: not a readable .npz file ({error})") from None
    return Problem(*arrays, name=path.stem)


def _read_arrays(file, path):
    """The three matrices of an opened file, whose declared sizes are checked first."""
    wanted = ("Gamma", "Sigma_V", "Sigma_Y")
    if isinstance(file, np.ndarray):
        raise ProblemError(f"{path}: holds a single array; expected {', '.join(wanted)}")
    missing = [key for key in wanted if key not in file]
    if missing:
        raise ProblemError(f"{path}: expected the arrays {', '.join(wanted)}; no {missing[0]}")
    size = sum(file.zip.getinfo(f"{key}.npy").file_size for key in wanted)
    if size > LARGEST_FILE:
        raise ProblemError(
            f"{path}: holds {size:,} bytes of matrices, more than the {LARGEST_FILE:,} allowed"
        )
    return [file[key] for key in wanted]


def _require_covariance(matrix, what, scale=None):
    """Refuse a matrix that is not symmetric or has a negative eigenvalue."""
    scale = np.abs(matrix).max() if scale is None else scale
    if np.abs(matrix - matrix.T).max() > 1e-8 * scale:
        raise ProblemError(f"{what} is not symmetric")
    smallest = np.linalg.eigvalsh(matrix)[0]
    if smallest < -1e-8 * scale:
        raise ProblemError(f"{what} has a negative eigenvalue, {smallest:.3g}")
