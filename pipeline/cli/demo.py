"""`wayfare up --demo`: a made-up shop sends its traffic to this process's own collector, over HTTP and with a key."""

import asyncio
import logging
import time
from dataclasses import dataclass
from random import Random
from typing import Any

import httpx

from pipeline.cli.output import out
from pipeline.cli.sample_traffic import FUNNEL, GOALS, Json, Visitors, history, live
from pipeline.errors import Fault, UserMistake
from pipeline.lock import Holder
from pipeline.settings import Settings, variable

log = logging.getLogger(__name__)
SOURCE = "demo"
BATCH = 250
RETRY_SECONDS = 1.0


async def play(settings: Settings, holder: Holder) -> None:
    """Some days of history where there is none yet, then a few events a second until cancelled.

    Raises UserMistake where the project holds events of other sources alone: made-up ones must not come among them;
    Fault where this process's own server does not take them. What a newcomer sends to the made-up shop stops nothing.
    """
    try:
        await _play(settings, holder)
    except httpx.HTTPError as error:
        raise Fault(f"sample traffic cannot be sent: {error}") from error


async def _play(settings: Settings, holder: Holder) -> None:
    headers = {"Authorization": f"Bearer {holder.token}"}
    async with httpx.AsyncClient(base_url=holder.url, headers=headers, timeout=30) as admin:
        base = f"/api/v1/admin/projects/{settings.project}"
        sources = set((await _json(admin.get(f"{base}/sources")))["sources"])
        if sources and SOURCE not in sources:
            raise UserMistake(
                f"project {settings.project} holds events of {', '.join(sorted(sources))}: sample traffic "
                f"would mix with them. Name another project: {variable('project')}=demo wayfare up --demo"
            )
        key = {"name": SOURCE, "kind": "write", "source": SOURCE, "source_kind": "browser"}
        if any(
            each["name"] == SOURCE and not each["revoked"] for each in (await _json(admin.get(f"{base}/keys")))["keys"]
        ):
            await _json(admin.delete(f"{base}/keys/{SOURCE}"))  # a key is not stored, so each start has another
        secret = (await _json(admin.post(f"{base}/keys", json=key)))["key"]
        await _define(admin, f"/api/v1/projects/{settings.project}")
    async with httpx.AsyncClient(base_url=holder.url, auth=(secret, ""), timeout=30) as browser:
        sender = _Sender(browser)
        visitors = Visitors(Random(time.time_ns()))
        if not sources:
            made = sorted(history(visitors, time.time()), key=lambda event: str(event["timestamp"]))
            for start in range(0, len(made), BATCH):
                await sender.send(made[start : start + BATCH])
            out.print(f"Sample traffic: {len(made):,} events of the last days are in; now live.")
        await live(visitors, sender.send, time.time)


@dataclass
class _Sender:
    browser: httpx.AsyncClient

    async def send(self, events: list[Json]) -> None:
        """Sends until the collector has taken them: the same ids may come again, they count once."""
        while True:
            answer = await self.browser.post("/v1/batch", json={"batch": events})
            if answer.status_code != 503:
                answer.raise_for_status()
                return
            await asyncio.sleep(RETRY_SECONDS)


async def _define(admin: httpx.AsyncClient, base: str) -> None:
    """Saves the goals and the funnel, where they are not yet there."""
    for kind, bodies in (("goals", GOALS), ("funnels", (FUNNEL,))):
        for body in bodies:
            if (await admin.get(f"{base}/{kind}/{body['name']}")).status_code == 404:
                whole = {name: value for name, value in body.items() if name != "name"}
                (await admin.put(f"{base}/{kind}/{body['name']}", json=whole)).raise_for_status()


async def _json(request: Any) -> Any:
    answer = await request
    answer.raise_for_status()
    return answer.json()
