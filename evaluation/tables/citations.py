"""BibTeX entries of what a table stands on."""

import importlib.metadata

_ENTRIES = {
    "vu2026mutual": """@misc{vu2026mutual,
  title = {Mutual Information Collapse Explains Disentanglement Failure in $\\beta$-{VAE}s},
  author = {Vu and Wan and Wei},
  year = {2026},
  eprint = {2602.09277},
  archivePrefix = {arXiv}
}""",
    "kingma2014auto": """@inproceedings{kingma2014auto,
  title = {Auto-Encoding Variational {Bayes}},
  author = {Kingma, Diederik P. and Welling, Max},
  booktitle = {International Conference on Learning Representations},
  year = {2014}
}""",
    "higgins2017beta": """@inproceedings{higgins2017beta,
  title = {beta-{VAE}: Learning Basic Visual Concepts with a Constrained Variational Framework},
  author = {Higgins, Irina and Matthey, Loic and Pal, Arka and Burgess, Christopher and
    Glorot, Xavier and Botvinick, Matthew and Mohamed, Shakir and Lerchner, Alexander},
  booktitle = {International Conference on Learning Representations},
  year = {2017}
}""",
    "chen2018isolating": """@inproceedings{chen2018isolating,
  title = {Isolating Sources of Disentanglement in Variational Autoencoders},
  author = {Chen, Ricky T. Q. and Li, Xuechen and Grosse, Roger and Duvenaud, David},
  booktitle = {Advances in Neural Information Processing Systems},
  year = {2018}
}""",
    "kumar2018variational": """@inproceedings{kumar2018variational,
  title = {Variational Inference of Disentangled Latent Concepts from Unlabeled Observations},
  author = {Kumar, Abhishek and Sattigeri, Prasanna and Balakrishnan, Avinash},
  booktitle = {International Conference on Learning Representations},
  year = {2018}
}""",
    "eastwood2018framework": """@inproceedings{eastwood2018framework,
  title = {A Framework for the Quantitative Evaluation of Disentangled Representations},
  author = {Eastwood, Cian and Williams, Christopher K. I.},
  booktitle = {International Conference on Learning Representations},
  year = {2018}
}""",
    "ridgeway2018learning": """@inproceedings{ridgeway2018learning,
  title = {Learning Deep Disentangled Embeddings with the {F}-Statistic Loss},
  author = {Ridgeway, Karl and Mozer, Michael C.},
  booktitle = {Advances in Neural Information Processing Systems},
  year = {2018}
}""",
    "locatello2019challenging": """@inproceedings{locatello2019challenging,
  title = {Challenging Common Assumptions in the Unsupervised Learning of Disentangled
    Representations},
  author = {Locatello, Francesco and Bauer, Stefan and Lucic, Mario and R{\\"a}tsch, Gunnar and
    Gelly, Sylvain and Sch{\\"o}lkopf, Bernhard and Bachem, Olivier},
  booktitle = {International Conference on Machine Learning},
  year = {2019}
}""",
    "burda2016importance": """@inproceedings{burda2016importance,
  title = {Importance Weighted Autoencoders},
  author = {Burda, Yuri and Grosse, Roger and Salakhutdinov, Ruslan},
  booktitle = {International Conference on Learning Representations},
  year = {2016}
}""",
    "dsprites17": """@misc{dsprites17,
  title = {{dSprites}: Disentanglement testing Sprites dataset},
  author = {Matthey, Loic and Higgins, Irina and Hassabis, Demis and Lerchner, Alexander},
  howpublished = {https://github.com/deepmind/dsprites-dataset/},
  year = {2017}
}""",
    "3dshapes18": """@misc{3dshapes18,
  title = {{3D} Shapes Dataset},
  author = {Burgess, Chris and Kim, Hyunjik},
  howpublished = {https://github.com/deepmind/3dshapes-dataset/},
  year = {2018}
}""",
    "gondal2019transfer": """@inproceedings{gondal2019transfer,
  title = {On the Transfer of Inductive Bias from Simulation to the Real World: a New
    Disentanglement Dataset},
  author = {Gondal, Muhammad Waleed and W{\\"u}thrich, Manuel and Miladinovi{\\'c}, Djordje
    and Locatello, Francesco and Breidt, Martin and Volchkov, Valentin and Akpo, Joel and
    Bachem, Olivier and Sch{\\"o}lkopf, Bernhard and Bauer, Stefan},
  booktitle = {Advances in Neural Information Processing Systems},
  year = {2019}
}""",
}
_OF_METHODS = {
    "vae": ("kingma2014auto",),
    "betavae": ("higgins2017beta",),
    "betavae_first": ("higgins2017beta",),
    "lambdabeta": ("vu2026mutual",),
    "lambdabeta_scratch": ("vu2026mutual",),
    "betatcvae": ("chen2018isolating",),
}
_OF_METRICS = {
    "mig": ("chen2018isolating",),
    "sap": ("kumar2018variational",),
    "dci": ("eastwood2018framework",),
    "mi": ("vu2026mutual",),
    "modularity": ("ridgeway2018learning",),
    "explicitness": ("ridgeway2018learning",),
    "active": ("burda2016importance",),
}
_OF_DATASETS = {
    "dsprites": ("dsprites17",),
    "shapes3d": ("3dshapes18",),
    "mpi3d_real": ("gondal2019transfer",),
    "sprites": ("dsprites17",),
    "sprites-small": ("dsprites17",),
    "rooms3d": ("3dshapes18",),
}
SOFTWARE = "disentanglement_bench"


def citation_keys(methods=(), metrics=(), datasets=()):
    """BibTeX keys of methods, flat keys and data sets; this suite first.

    Parameters
    ----------
    methods, metrics, datasets : iterable of str
        Unknown names have no entry of their own.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> citation_keys(["betavae"], ["mig"], ["dsprites"])[2:]
    ('higgins2017beta', 'chen2018isolating', 'dsprites17')
    """
    keys = [SOFTWARE, "locatello2019challenging"]
    for method in methods:
        keys += _OF_METHODS.get(method, ())
    for metric in metrics:
        keys += _OF_METRICS.get(metric.split("_")[0], ())
    for dataset in datasets:
        keys += _OF_DATASETS.get(dataset.split(" (")[0], ())
    return tuple(dict.fromkeys(keys))


def bibtex(keys):
    """The entries of some keys, as one block.

    Parameters
    ----------
    keys : iterable of str
        From `citation_keys`.

    Returns
    -------
    str

    Raises
    ------
    KeyError
        For a key without an entry.
    """
    return "\n\n".join(_software() if key == SOFTWARE else _ENTRIES[key] for key in keys)


def _software():
    try:
        version = importlib.metadata.version("disentanglement-bench")
    except importlib.metadata.PackageNotFoundError:
        version = "unknown"
    return (
        f"@software{{{SOFTWARE},\n"
        "  title = {disentanglement-bench: train, score and compare representations},\n"
        f"  version = {{{version}}}\n"
        "}"
    )
