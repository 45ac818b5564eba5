"""Every export that is read."""

from typing import Final

from pipeline.ingest.exports import access_log, ga4, matomo, posthog, snowplow
from pipeline.ingest.exports.export import Export

EXPORTS: Final[dict[str, Export]] = {
    each.EXPORT.name: each.EXPORT for each in (posthog, ga4, matomo, snowplow, access_log)
}
