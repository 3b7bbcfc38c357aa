"""`bench check`: a model, data set or metric of a user is tried before time is spent on it."""

from .guarded import check

__all__ = ["check"]
