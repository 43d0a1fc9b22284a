"""Settings, seeds, provenance and tracking: used by every other floor, knows none of them."""
