"""One module a method: how the harness builds, trains and describes it."""
