"""Human3.6M as MotionBERT and its descendants store it: 2.5D poses in one pickle."""
