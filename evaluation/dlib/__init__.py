"""disentanglement_lib's metric functions, by name and signature, on this package's metrics.

A script that had `from disentanglement_lib.evaluation.metrics import mig, dci, utils` goes on with
`from disentanglement_bench.evaluation.dlib import mig, dci, utils`. Representations and factors are
transposed, as there:
(number of codes, number of points) and (number of factors, number of points). Settings that were
bound by gin are plain arguments, with that library's published configuration as defaults.

>>> from disentanglement_bench.evaluation.dlib import factor_vae, udr
"""

from . import (
    beta_vae,
    dci,
    downstream_task,
    factor_vae,
    irs,
    mig,
    modularity_explicitness,
    sap_score,
    udr,
    unsupervised_metrics,
    utils,
)
from .beta_vae import compute_beta_vae_sklearn
from .dci import completeness, compute_dci, disentanglement
from .downstream_task import compute_downstream_task
from .factor_vae import compute_factor_vae
from .irs import compute_irs, scalable_disentanglement_score
from .mig import compute_mig
from .modularity_explicitness import compute_modularity_explicitness, modularity
from .sap_score import compute_sap
from .udr import compute_udr_sklearn
from .unsupervised_metrics import gaussian_total_correlation, gaussian_wasserstein_correlation
from .utils import (
    discrete_entropy,
    discrete_mutual_info,
    generate_batch_factor_code,
    make_discretizer,
    normalize_data,
    obtain_representation,
    split_train_test,
)

__all__ = [
    "beta_vae",
    "completeness",
    "compute_beta_vae_sklearn",
    "compute_dci",
    "compute_downstream_task",
    "compute_factor_vae",
    "compute_irs",
    "compute_mig",
    "compute_modularity_explicitness",
    "compute_sap",
    "compute_udr_sklearn",
    "dci",
    "discrete_entropy",
    "discrete_mutual_info",
    "disentanglement",
    "downstream_task",
    "factor_vae",
    "gaussian_total_correlation",
    "gaussian_wasserstein_correlation",
    "generate_batch_factor_code",
    "irs",
    "make_discretizer",
    "mig",
    "modularity",
    "modularity_explicitness",
    "normalize_data",
    "obtain_representation",
    "sap_score",
    "scalable_disentanglement_score",
    "split_train_test",
    "udr",
    "unsupervised_metrics",
    "utils",
]
