"""The model zoo: everything that knows torch."""
