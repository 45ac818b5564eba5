"""What PostHog's clients ask for before and beside sending: features that a PostHog has and this has not, all off."""

from typing import Any, Final

import msgspec

_FLAGS: Final[dict[str, Any]] = {
    "flags": {},
    "featureFlags": {},
    "featureFlagPayloads": {},
    "errorsWhileComputingFlags": False,
    "requestId": "",
}
_CONFIG: Final[dict[str, Any]] = {
    "supportedCompression": ["gzip", "gzip-js"],
    "hasFeatureFlags": False,
    "captureDeadClicks": False,
    "capturePerformance": False,
    "autocapture_opt_out": False,
    "autocaptureExceptions": False,
    "analytics": {"endpoint": "/i/v0/e/"},
    "elementsChainAsString": True,
    "sessionRecording": False,
    "heatmaps": False,
    "surveys": False,
    "productTours": False,
    "conversations": False,
    "logs": {"captureConsoleLogs": False},
    "errorTracking": {"autocaptureExceptions": False, "suppressionRules": []},
    "defaultIdentifiedOnly": True,
    "isAuthenticated": False,
    "toolbarParams": {},
    "siteApps": [],
}
CONFIG: Final = msgspec.json.encode(_CONFIG)
FLAGS: Final = msgspec.json.encode(_FLAGS | _CONFIG)  # /decide answers both
SCRIPT: Final = (
    b"(function(){var all=window._POSTHOG_REMOTE_CONFIG=window._POSTHOG_REMOTE_CONFIG||{};"
    b"all[%b]={config:%b,siteApps:[]}})();"
)
