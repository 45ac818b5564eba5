"""`wayfare worker`, with timers around its stages: python -m bench.worker FIGURES.json. Settings as the worker's."""

import sys
from pathlib import Path

from faust.cli.faust import cli

from bench.stages import Stages


def main() -> None:
    stages = Stages()
    stages.install()
    stages.keep(Path(sys.argv[1]))
    sys.argv = ["faust", "-A", "agents.app", "worker", "--without-web", "--loglevel", "warn"]
    cli()


if __name__ == "__main__":
    main()
