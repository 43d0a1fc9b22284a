"""What a lifter is: the contract, methods by name, windows, checkpoints, lifting a clip."""
