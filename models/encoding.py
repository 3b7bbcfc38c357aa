"""From a trained model to a representation: posteriors of images by flat index."""

import numpy as np
import torch

from .terms import bernoulli_entropy


def encode(model, images, index, batch_size=500):
    """Encode images by flat index.

    Parameters
    ----------
    model : torch.nn.Module
    images : models.training.images.Images
    index : ndarray of shape (N,), int64
    batch_size : int, default 500

    Returns
    -------
    codes, log_variances : ndarray of shape (N, D), float32
        Posterior means and log-variances.
    floor : float
        Mean Bernoulli entropy of the images, nats per image.
    """
    was_training = model.training
    model.eval()
    pieces, floor = [], 0.0
    with torch.no_grad():
        for start in range(0, len(index), batch_size):
            batch = images(torch.from_numpy(index[start : start + batch_size]))
            pieces.append(torch.stack([part.float() for part in model.encode(batch)]))
            floor += float(bernoulli_entropy(batch)) * len(batch)
    model.train(was_training)
    codes, log_variances = torch.cat(pieces, dim=1).cpu().numpy().astype(np.float32)
    return codes, log_variances, floor / len(index)
