"""Data sets of users: added files, classes and plugins."""
