"""One function a figure, all in one style."""
