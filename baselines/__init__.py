"""Published lifters that DG-Net is compared with, in plain PyTorch, one module a method."""
