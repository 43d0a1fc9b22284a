"""Windows, the lifter contract and its registry, training, prediction, checkpoints."""
