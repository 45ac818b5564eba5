"""The command `wayfare`: one module a command group, all of them over HTTP routes."""

import gc
import sys


def main() -> None:
    """Runs the command line of this process and ends it with the exit code."""
    # Nearly all that is made while modules load stays: to look through it every 700 objects is a quarter of the load.
    gc.set_threshold(50_000, 20, 50)
    from pipeline.cli.command import run

    sys.exit(run(sys.argv[1:]))
