"""The devices that the sessions agent has at hand: those that were used last, as many as fit.

A device of a few events counts as one. What it remembers beyond that, the ids of its events above all, counts by the
bytes: a bot with a hundred thousand events is ten thousand devices. So the bound is one of memory.
"""

from collections import OrderedDict
from collections.abc import Callable

from agents.received import Key
from pipeline.domain.devices import FEW_BYTES, Device, beyond_few


class Cache:
    """`most`: how many devices fit; each takes about a kilobyte."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.devices: OrderedDict[Key, Device] = OrderedDict()  # the one used last is the last
        self._more: dict[Key, int] = {}  # of those that count as more than one: how many more

    def __len__(self) -> int:
        return len(self.devices)

    def __contains__(self, key: Key) -> bool:
        return key in self.devices

    def get(self, key: Key) -> Device | None:
        return self.devices.get(key)

    def keep(self, key: Key, device: Device) -> None:
        """It has been used just now, and may have grown."""
        self.devices[key] = device
        self.devices.move_to_end(key)
        more = beyond_few(device) // FEW_BYTES
        if more:
            self._more[key] = more
        elif key in self._more:
            del self._more[key]

    def drop(self, is_gone: Callable[[Key], bool]) -> None:
        for key in [key for key in self.devices if is_gone(key)]:
            self._take(key)

    def clear(self) -> None:
        self.devices.clear()
        self._more.clear()

    def trim(self) -> None:
        """Drops what no longer fits: one that would push out half of all others, then those used longest ago."""
        for key in [key for key, more in self._more.items() if more > self.most // 2]:
            self._take(key)
        size = len(self.devices) + sum(self._more.values())
        while size > self.most:
            key = next(iter(self.devices))
            size -= 1 + self._more.get(key, 0)
            self._take(key)

    def _take(self, key: Key) -> None:
        del self.devices[key]
        self._more.pop(key, None)
