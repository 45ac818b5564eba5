"""The command `wayfare`: one module a command group, all of them over HTTP routes."""

import faulthandler
import gc
import signal
import sys


def main() -> None:
    """Runs the command line of this process and ends it with the exit code."""
    # Nearly all that is made while modules load stays: to look through it every 700 objects is a quarter of the load.
    gc.set_threshold(50_000, 20, 50)
    if sys.stderr is not None:  # closed by who started it
        faulthandler.enable()
        faulthandler.register(signal.SIGUSR1)  # tells where each thread is, even where none comes on
    from pipeline.cli.command import run

    sys.exit(run(sys.argv[1:]))
