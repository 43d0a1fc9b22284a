"""What 2D detectors write: read, tracked, filled and brought to the joints of a lifter."""
