"""One file a method: its hyperparameters and its loss on one screen."""
