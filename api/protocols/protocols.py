"""Every protocol of another tracker that is taken."""

from typing import Final

from api.protocols import posthog
from api.protocols.protocol import Protocol

PROTOCOLS: Final[dict[str, Protocol]] = {each.PROTOCOL.name: each.PROTOCOL for each in (posthog,)}
