"""One thin module a DVC stage: read parameters, call the harness, write outputs."""
