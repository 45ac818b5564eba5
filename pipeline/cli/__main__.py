"""`python -m pipeline.cli`: the command `wayfare` of this checkout."""

from pipeline.cli import main

main()
