"""The events behind a difference that `verify` found."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from pipeline.domain.facts import BatchFacts
from pipeline.domain.owners import order
from pipeline.store.verify import Difference
from schemas.facts import Event, Ownership

MOST = 20


class Evidence:
    """Events by device, and whose each is, as the core has it."""

    def __init__(self, events: Sequence[Event], expected: BatchFacts) -> None:
        self._by_device: dict[int, list[Event]] = defaultdict(list)
        for event in sorted(events, key=order):
            self._by_device[event.device].append(event)
        self._owners: dict[int, list[Ownership]] = defaultdict(list)
        for row in expected.ownerships:
            self._owners[row.device].append(row)
        self._customer = {row.identifier: row.customer for row in expected.identities}

    def of(self, difference: Difference) -> list[Event]:
        """At most 20 of them, in the order of time; none where the difference is about how many rows there are."""
        row: dict[str, Any] = {**(difference.stored or {}), **(difference.expected or {}), **difference.key}
        return self._found(difference.table, row)[:MOST]

    def _found(self, table: str, row: dict[str, Any]) -> list[Event]:
        if table in ("pairs", "refusals"):
            return [event for event in self._of(row) if event.message_id == row["evidence_message"]]
        if "message_id" in row:
            return [event for event in self._of(row) if event.message_id == row["message_id"]]
        if table == "sessions":
            return [event for event in self._of(row) if row["started_at"] <= event.occurred_at <= row["last_at"]]
        if table == "touchpoints":
            return [event for event in self._of(row) if event.occurred_at == row["started_at"]]
        if table == "owners":
            held = [each for each in self._of(row) if row["owned_from"] <= each.occurred_at < row["owned_until"]]
            return [event for event in held if event.user or event.email] or held
        everything = sorted((each for events in self._by_device.values() for each in events), key=order)
        if table == "identities":
            return [event for event in everything if row["identifier"] in _named(event)]
        if table == "funnel_entries":
            return [event for event in everything if event.message_id in row["step_messages"]]
        if table == "journeys":
            held = [each for each in everything if row["started_at"] <= each.occurred_at <= row["last_at"]]
            return [event for event in held if self._customer_of(event) == row["customer"]]
        return []

    def _of(self, row: dict[str, Any]) -> list[Event]:
        return self._by_device.get(row.get("device", 0), [])

    def _customer_of(self, event: Event) -> int:
        rows = self._owners[event.device]
        owner = next((row.owner for row in rows if row.owned_from <= event.occurred_at < row.owned_until), 0)
        return self._customer.get(owner, owner)


def _named(event: Event) -> set[int]:
    return {event.device, event.user, event.email, event.phone, *event.vendors}
