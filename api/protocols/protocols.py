"""Every protocol of another tracker that is taken."""

from typing import Final

from api.protocols import ga4, gtag, jitsu, matomo, mixpanel, openpanel, pixel, plausible, posthog, snowplow
from api.protocols.protocol import Protocol

PROTOCOLS: Final[dict[str, Protocol]] = {
    each.PROTOCOL.name: each.PROTOCOL
    for each in (posthog, snowplow, matomo, plausible, ga4, gtag, openpanel, mixpanel, jitsu, pixel)
}
