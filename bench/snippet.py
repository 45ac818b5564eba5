"""What the tracker costs the page that it is on: time of the browser's main thread, in a page of 2,000 elements.

    python -m bench.snippet [--rounds 5] [--busy 2]

Beside the same page without a script, and with one that does nothing: any script that comes while a page is read has
the browser lay it out once more. Times are the thread's processor time, so other processes on the machine count only as
far as they make the same work dearer; the least of the rounds is what to read. `--busy` runs so many loops beside it.

    first     a browser that has not seen the site before: nothing is compiled yet, nothing opened
    load      again, up to 400 ms after the page has loaded: its first event is sent by then
    life      and then 30 times a move, a turn of the wheel, a click and a key, up to leaving the page
"""

import argparse
import multiprocessing
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import uvicorn
from fastapi import FastAPI, Response
from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from api import snippet
from bench.machines import load as machine_load
from tests.browser.conftest import OPTIONS
from tests.browser.tracker.tested_site import Site
from tests.browser.tracker.visitors import AGENT, program
from tests.equipment.broker import free_ports

PAGE = "/rows.html"
NOTHING = "/nothing.js"


class Spent(NamedTuple):
    """Milliseconds of processor time."""

    script: float  # of scripts alone
    thread: float  # of the whole main thread: scripts, layout, what the browser does for both


class Cost(NamedTuple):
    load: Spent
    life: Spent


def cost(page: Page, url: str) -> Cost:
    """Of a visit to this page of 2,000 elements."""
    page.goto("about:blank")
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = _spent(session)
    page.goto(url)
    assert page.evaluate("document.querySelectorAll('body *').length") >= 2_000
    page.wait_for_timeout(400)
    load = _spent(session)
    for step in range(30):
        page.mouse.move(20 + 10 * step, 200)
        page.mouse.wheel(0, 300)
        page.mouse.click(600, 300)
        page.keyboard.press("a")
        page.wait_for_timeout(10)
    page.wait_for_timeout(300)
    page.evaluate("window.dispatchEvent(new Event('pagehide'))")
    life = _spent(session)
    session.detach()
    return Cost(_less(load, before), _less(life, before))


def _spent(session: CDPSession) -> Spent:
    told = {each["name"]: each["value"] * 1000 for each in session.send("Performance.getMetrics")["metrics"]}
    return Spent(told["ScriptDuration"], told["ThreadTime"])


def _less(one: Spent, other: Spent) -> Spent:
    """Without what was spent before; a page may be in a new process, which has spent nothing."""
    return one if one.thread < other.thread else Spent(one.script - other.script, one.thread - other.thread)


@contextmanager
def collector() -> Iterator[str]:
    """Serves the tracker and takes what it sends; its URL."""
    app = FastAPI()
    snippet.install(app)
    app.add_route(NOTHING, lambda _: Response("0;", media_type="text/javascript"))
    taken = {"Access-Control-Allow-Origin": "*"}
    app.add_route("/v1/b", lambda _: Response('{"success": true}', headers=taken), methods=["POST"])
    (port,) = free_ports(1)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@contextmanager
def busy(count: int) -> Iterator[None]:
    loops = [multiprocessing.Process(target=_turn, daemon=True) for _ in range(count)]
    for each in loops:
        each.start()
    yield
    for each in loops:
        each.kill()


def _turn() -> None:
    while True:
        pass


def rounds(browser: Browser, sites: dict[str, Site], count: int) -> dict[str, list[tuple[Cost, Cost]]]:
    """Of each site the costs of a first visit and a second one, in turns."""
    found: dict[str, list[tuple[Cost, Cost]]] = {name: [] for name in sites}
    for _ in range(count):
        for name, site in sites.items():
            context = browser.new_context(user_agent=AGENT)
            page = context.new_page()
            found[name].append((cost(page, site.url + PAGE), cost(page, site.url + PAGE)))
            context.close()
    return found


def table(found: dict[str, list[tuple[Cost, Cost]]]) -> Iterator[str]:
    yield f"{'ms, least / median':22}" + "".join(f"{each:>16}" for each in ("first", "load", "life"))
    for name, visits in found.items():
        spans = [
            [first.load for first, _ in visits],
            [again.load for _, again in visits],
            [each.life for _, each in visits],
        ]
        for kind in Spent._fields:
            values = [[getattr(each, kind) for each in span] for span in spans]
            yield f"{name + ', ' + kind:22}" + "".join(
                f"{f'{min(each):.1f} / {statistics.median(each):.1f}':>16}" for each in values
            )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, prog="python -m bench.snippet"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--busy", type=int, default=0, help="loops that take a core each")
    asked = parser.parse_args()
    for path in ("/wayfare.js", "/wayfare.core.js"):
        print(f"{path}: {len(snippet.script(snippet.PATHS[path]).packed)} bytes of gzip")
    with ExitStack() as stack:
        url = stack.enter_context(collector())
        lines = {"tracker": [snippet.line(url, "key")], "nothing": [f'<script async src="{url}{NOTHING}"></script>']}
        sites = {name: Site(url, head) for name, head in (lines | {"no script": []}).items()}
        for each in sites.values():
            stack.callback(each.close)
        browser = stack.enter_context(sync_playwright()).chromium.launch(executable_path=program(), args=list(OPTIONS))
        stack.callback(browser.close)
        with busy(asked.busy):
            found = rounds(browser, sites, asked.rounds)
            print(f"{machine_load()}, {asked.busy} loops beside it")
    print("\n".join(table(found)))


if __name__ == "__main__":
    main()
