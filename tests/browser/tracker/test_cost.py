"""What the tracker costs the page it is on: time of the main thread, in a page of 2,000 elements."""

from playwright.sync_api import Page

from bench.snippet import PAGE, Cost, cost
from tests.browser.tracker.tested_site import Site

LOAD_MS, LIFE_MS = 5.0, 50.0
TRIES = 10  # at most; the least counts: other processes make the same scripts dearer


def test_the_tracker_is_hardly_felt(page: Page, site: Site) -> None:
    """Processor time of scripts: the page has none of its own."""
    costs: list[Cost] = []
    load, life = LOAD_MS, LIFE_MS
    while len(costs) < TRIES and not (load < LOAD_MS and life < LIFE_MS):
        costs.append(cost(page, site.url + PAGE))
        load = min(each.load.script for each in costs)
        life = min(each.life.script for each in costs)
    print(f"load {load:.2f} ms, whole life {life:.2f} ms of the main thread, {len(costs)} tries")
    assert 0 < load < LOAD_MS
    assert 0 < life < LIFE_MS
