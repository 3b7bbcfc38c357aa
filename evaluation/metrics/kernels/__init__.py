"""Compiled inner loops; nothing here is imported before a metric needs it."""
