"""What is to be run: presets, models by name, and the plan of runs."""
