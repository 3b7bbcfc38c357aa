"""Many runs on one machine: worker processes, devices and progress."""
