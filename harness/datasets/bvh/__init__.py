"""Recorded motion in BVH, from whichever program: 100STYLE, LAFAN1, Bandai Namco, CMU's."""
