"""How often a law over answers is tried: each trial fills a store and asks it, which is most of what these tests cost.

QUERY_EXAMPLES=10 tries each ten times as often.
"""

import os
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings

TIMES = float(os.environ.get("QUERY_EXAMPLES", "1"))


def laws(examples: int) -> Callable[[Any], Any]:
    """A decorator as Hypothesis' `settings`."""
    return settings(max_examples=round(examples * TIMES), deadline=None, suppress_health_check=list(HealthCheck))
