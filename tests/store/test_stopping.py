"""A statement for whose answer nobody waits is ended, on both stores."""

from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from pipeline.errors import StoreStopped
from pipeline.store.port import Stop, Store

ENDLESS = "SELECT sum(cityHash64(number)) FROM numbers(10000000000000)"


def test_a_statement_ends_when_it_is_stopped_and_the_store_answers_on(asked_store: Store) -> None:
    stop = Stop()
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(asked_store.measured, ENDLESS, None, None, stop)
        for _ in range(600):  # it may not have begun yet
            stop.set()
            if wait([running], timeout=0.1).done:
                break
    with pytest.raises(StoreStopped):
        running.result()
    assert asked_store.query("SELECT 1") == [(1,)]


def test_what_is_stopped_begins_no_other_statement(asked_store: Store) -> None:
    stop = Stop()
    stop.set()
    with pytest.raises(StoreStopped):
        asked_store.measured("SELECT 1", None, None, stop)


def test_an_error_of_a_statement_that_goes_on_stays_that_error() -> None:
    with pytest.raises(ZeroDivisionError), Stop().ends(lambda: None):
        raise ZeroDivisionError
