"""`wayfare worker` with timers around its stages; the settings are the worker's.

python -m bench.worker FIGURES.json [timed] [details]
"""

import sys
from pathlib import Path

from faust.cli.faust import cli

from bench.stages import Stages


def main() -> None:
    stages = Stages()
    stages.install(timed="timed" in sys.argv[2:], details="details" in sys.argv[2:])
    stages.keep(Path(sys.argv[1]))
    sys.argv = ["faust", "-A", "agents.app", "worker", "--without-web", "--loglevel", "warn"]
    cli()


if __name__ == "__main__":
    main()
