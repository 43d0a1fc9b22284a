"""Training a lifter: the loop, the order of its windows, state to resume from, the run."""
