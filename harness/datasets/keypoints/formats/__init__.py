"""The files of detectors, a module a format."""
