"""`python -m harness` is the command line, like `harness`."""

from harness.cli.main import main

main()
