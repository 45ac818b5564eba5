"""How many files a server may have open at once: each connection of a client is one.

Most systems start a process with a limit of 1,024 that it may raise by itself; ClickHouse's engine does so where it is
in the process.
"""

import resource
from typing import Final

ENOUGH: Final = 65_536


def raise_limit() -> None:
    """To what is enough, as far as the system lets it; a higher one stays."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    able = ENOUGH if hard == resource.RLIM_INFINITY else min(ENOUGH, hard)
    if soft != resource.RLIM_INFINITY and soft < able:
        resource.setrlimit(resource.RLIMIT_NOFILE, (able, hard))
