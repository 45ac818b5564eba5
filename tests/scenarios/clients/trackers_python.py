"""Calls of PyPI's mixpanel, ga4mp and openpanel. HOST and WRITE_KEY say where to."""

import asyncio
import os
from typing import Any

from ga4mp import GtagMP
from mixpanel import Consumer, Mixpanel
from openpanel import OpenPanel

host, key = os.environ["HOST"], os.environ["WRITE_KEY"]

urls = {f"{kind}_url": f"{host}/{path}" for kind, path in (
    ("events", "track"), ("people", "engage"), ("import", "import"), ("groups", "groups"),
)}  # fmt: skip
mixpanel = Mixpanel(key, consumer=Consumer(**urls, retry_limit=1))
mixpanel.track("mixpanel-ann", "Mixpanel Order", {"number": 7, "title": "Zürich → 東京"})
mixpanel.import_data(key, "mixpanel-ann", "Mixpanel Old Order", 1_700_000_000, {"number": 6}, api_secret=key)
mixpanel.people_set("mixpanel-ann", {"$first_name": "Ann", "plan": "garden"})
mixpanel.people_track_charge("mixpanel-ann", 50)

ga4 = GtagMP(key, "G-1", "ga4-visitor")
ga4._base_domain = f"{host}/mp/collect"
ga4.store.set_user_property("plan", "garden")
order: Any = ga4.create_new_event("purchase")
order.set_event_param("transaction_id", "T-7")
order.set_event_param("value", 49.9)
ga4.send([order])
later: Any = ga4.create_new_event("ga4_postponed")
later.set_event_param("number", 8)
ga4.send([later], postpone=True)
ga4.postponed_send()

openpanel = OpenPanel(key, api_url=host)
openpanel.identify("openpanel-ann", {"firstName": "Ann"})
openpanel.track("openpanel_order", {"number": 7})
openpanel.increment("openpanel-ann", "visits", 2)
asyncio.run_coroutine_threadsafe(asyncio.sleep(0), openpanel.loop).result(10)  # what it does one by one is done
