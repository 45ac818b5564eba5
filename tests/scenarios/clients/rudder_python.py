"""Every call of PyPI's rudder-sdk-python, which packs with gzip by itself. HOST and WRITE_KEY say where to."""

import os

import rudderstack.analytics as analytics

analytics.dataPlaneUrl = os.environ["HOST"]
analytics.write_key = os.environ["WRITE_KEY"]
analytics.max_retries = 3
failures: list[object] = []
analytics.on_error = lambda error, items: failures.append((error, len(items)))

analytics.identify("ann", {"plan": "free"})
for number in range(60):
    analytics.track("ann", f"Order {number}", {"number": number, "title": "Zürich → 東京", "nested": {"deep": [1, 2]}})
    if number % 20 == 19:
        analytics.flush()  # so that there are several requests
analytics.page("ann", "shop", "Home", {"url": "https://shop.example/home"})
analytics.screen("ann", "shop", "Basket")
analytics.group("ann", "company-1", {"seats": 3})
analytics.alias("visitor-7", "ann")
analytics.shutdown()
if failures:
    raise SystemExit(f"not sent: {failures}")
