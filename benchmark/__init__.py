"""The orchestrator: plans, trains and stores runs, and everything behind `bench`."""
