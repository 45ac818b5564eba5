"""Sessions of the embedded store are opened and closed beside each other, and the end of the store waits for them."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pipeline.errors import StoreUnavailable
from pipeline.store import embedded_sessions


class Slow:
    """A session that is opened when `gate` says so."""

    gate = threading.Event()
    begun = threading.Event()

    def __init__(self, address: str, name: str) -> None:
        self.name, self.lock, self.closed, self.connection = name, threading.Lock(), False, self
        if name.endswith(" 2"):
            self.begun.set()
            assert self.gate.wait(60)

    def close(self) -> None:
        assert self.closed


def test_others_go_on_while_one_is_opened_and_the_store_closes_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_sessions, "Session", Slow)
    sessions: Any = embedded_sessions.Sessions("")
    with sessions.lease() as first:
        pass
    with ThreadPoolExecutor(2) as threads:
        opening = threads.submit(sessions.new)
        assert Slow.begun.wait(60)
        with sessions.lease() as again:
            assert again is first
        sessions.end(sessions.new())
        closing = threads.submit(sessions.close, None)
        while not sessions._closed:
            threading.Event().wait(0.001)
        assert not closing.done()
        Slow.gate.set()
        assert closing.result(60)
        assert opening.result(60).closed
    with pytest.raises(StoreUnavailable):
        sessions.new()
