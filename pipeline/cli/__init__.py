"""The command `wayfare`: one module a command group, all of them over HTTP routes."""

import sys


def main() -> None:
    """Runs the command line of this process and ends it with the exit code."""
    from pipeline.cli.command import run

    sys.exit(run(sys.argv[1:]))
