"""DG-Net, the dynamical graph network (arXiv 2109.07353), in plain PyTorch."""
