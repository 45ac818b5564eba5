"""The examples in the pages: each is run against a Wayfare that runs, so their answers are real.

    python -m docs.examples          starts one in a folder of its own and writes every answer into its page

A page holds `<!-- example: ... -->`, then what is shown, then `<!-- /example -->`. What may stand there:

    POST questions/bounce {"last": null}     a request about project `meadow`, which holds docs/example.ndjson
    GET customers/user:ann -> timeline[0]    and the part of its answer that is shown
    POST /v1/batch {"batch": []}             a request to the collector, with a write key of project `scratch`
    wayfare ask funnel --saved checkout      a command

tests/house/test_docs.py runs them all again and holds the answers against the pages.
"""

import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from pipeline.cli.command import run

HERE = Path(__file__).resolve().parent
EVENTS, PROJECT, SCRATCH = HERE / "example.ndjson", "meadow", "scratch"
GOALS: Mapping[str, Any] = {
    "purchase": {"events": ["Order Completed"], "kind": "macro"},
    "signup": {"events": ["Signed Up"], "kind": "lead"},
}
FUNNEL: Mapping[str, Any] = {
    "steps": [
        {"events": ["Product Viewed"]},
        {"events": ["Product Added"]},
        {"events": ["Checkout Started"]},
        {"events": ["Order Completed"]},
    ]
}
COSTS: Mapping[str, Any] = {
    "rows": [
        {
            "day": "2025-03-03", "network": "google_ads", "campaign": "spring", "currency": "EUR", "source": "google",
            "medium": "cpc", "impressions": 1200, "clicks": 30, "cost_micros": 12_500_000,
        }
    ]
}  # fmt: skip

# Times of receipt and names of requests differ from run to run: pages show these instead.
A_MOMENT, A_REQUEST, A_MOMENT_IN_TEXT = 1_742_000_000_000, "5f0c9d2e7a41b386", "2025-03-15 00:53:20"
_MOMENTS = ("data_until", "received_at")
_TOLD_MOMENT = re.compile(r"(?<=complete up to )[\d-]+ [\d:]+")
_EXAMPLE = re.compile(r"(<!-- example: (.+?) -->\n)(.*?)(<!-- /example -->)", re.DOTALL)
_REQUEST = re.compile(r"(GET|POST|PUT) (\S+)(?: (\{.*?\}|\[.*?\]))?(?: -> (\S+))?", re.DOTALL)
_PART = re.compile(r"(\w+)|\[(\d+)\]")
WIDTH = 110


class Server(NamedTuple):
    """A running Wayfare, and the write key of its project `scratch`."""

    http: httpx.Client
    write_key: str


def prepared(url: str, token: str) -> Server:
    """Makes the two projects, saves goals and the funnel, brings the events in, waits until all is done."""
    http = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60)
    for name in (PROJECT, SCRATCH):
        http.post("/api/v1/admin/projects", json={"name": name}).raise_for_status()
    made = http.post(f"/api/v1/admin/projects/{SCRATCH}/keys", json={"name": "shop", "kind": "write"})
    for name, goal in GOALS.items():
        http.put(f"/api/v1/projects/{PROJECT}/goals/{name}", json=goal).raise_for_status()
    http.put(f"/api/v1/projects/{PROJECT}/funnels/checkout", json=FUNNEL).raise_for_status()
    headers = {"Content-Type": "application/x-ndjson", "X-Wayfare-Project": PROJECT}
    http.post("/v1/import", content=EVENTS.read_bytes(), headers=headers).raise_for_status()
    http.put(f"/api/v1/admin/projects/{PROJECT}/costs", json=COSTS).raise_for_status()
    key = made.raise_for_status().json()["key"]
    ends = time.monotonic() + 60
    while not http.get("/api/v1/admin/progress").json()["drained"] or not _is_known(http, key) or _is_filling(http):
        assert time.monotonic() < ends, "the agents do not get through the examples"
        time.sleep(0.2)
    return Server(http, key)


def _is_filling(http: httpx.Client) -> bool:
    fills = http.get(f"/api/v1/projects/{PROJECT}/fills").json()["fills"]
    return any(one["state"] == "filling" for one in fills)


def _is_known(http: httpx.Client, key: str) -> bool:
    return http.post("/v1/batch", json={"batch": []}, headers=_basic(key)).status_code == 200


def _basic(key: str) -> dict[str, str]:
    request = next(httpx.BasicAuth(key, "").auth_flow(httpx.Request("POST", "http://wayfare")))
    return {"Authorization": request.headers["Authorization"]}


def found(page: Path) -> Iterator[tuple[str, str]]:
    """(what an example asks, what the page shows) of each example in a page."""
    for _, what, shown, _ in _EXAMPLE.findall(page.read_text("utf-8")):
        yield what, shown


def render(what: str, server: Server) -> str:
    """What a page shows for an example: the request and its answer, or the command and what it prints."""
    if what.startswith("wayfare "):
        return f"```console\n$ {what}\n{printed(what.split()[1:])}```\n"
    method, path, body, part = _asked(what)
    answer = _answered(server, method, path, body)
    shown = path if path.startswith("/v1/") else f"/api/v1/projects/{PROJECT}/{path}"
    head = f"{method} {shown}\n" + ("" if body is None else f"{laid_out(body)}\n")
    told = laid_out(picked(steady(answer.json()), part)) + "\n"
    if answer.status_code != 200:
        phrase = httpx.codes.get_reason_phrase(answer.status_code)  # Python's own for 413 and 422 change by version
        return f"```http\n{head}```\n```http\n{answer.status_code} {phrase}\n{told}```\n"
    return f"```http\n{head}```\n```json\n{told}```\n"


def printed(arguments: list[str]) -> str:
    """What a command about project `meadow` prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = run([*arguments, "--project", PROJECT])
    assert code == 0, (arguments, code)
    lines = (line.rstrip() for line in out.getvalue().splitlines())
    return _TOLD_MOMENT.sub(A_MOMENT_IN_TEXT, "\n".join(lines) + "\n")


def _asked(what: str) -> tuple[str, str, Any, str]:
    match = _REQUEST.fullmatch(what)
    assert match, what
    method, path, body, part = match.groups()
    return method, path, None if body is None else json.loads(body), part or ""


def _answered(server: Server, method: str, path: str, body: Any) -> httpx.Response:
    if path.startswith("/v1/"):
        return server.http.request(method, path, json=body, headers=_basic(server.write_key))
    return server.http.request(method, f"/api/v1/projects/{PROJECT}/{path}", json=body)


def steady(value: Any) -> Any:
    """The answer with moments of receipt and names of requests as pages show them."""
    if isinstance(value, dict):
        shown = {name: A_MOMENT if name in _MOMENTS and inner else steady(inner) for name, inner in value.items()}
        if "request_id" in shown:
            shown["request_id"] = A_REQUEST
        if "meaning" in shown:  # of rejects; the last one's time is of its receipt
            shown["last_at"] = A_MOMENT
        return shown
    return [steady(inner) for inner in value] if isinstance(value, list) else value


def picked(value: Any, part: str) -> Any:
    """`result.events[0]` of an answer; "" is all of it."""
    for name, number in _PART.findall(part):
        value = value[name] if name else value[int(number)]
    return value


def laid_out(value: Any, indent: str = "", before: int = 0) -> str:
    """JSON in lines of at most WIDTH, each as full as can be; `before`: characters that stand before its first line."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(indent) + before + len(flat) <= WIDTH or not isinstance(value, dict | list) or not value:
        return flat
    inner = indent + "  "
    if isinstance(value, dict):
        parts = [f"{json.dumps(name)}: {laid_out(each, inner, len(name) + 5)}" for name, each in value.items()]
    else:
        parts = [laid_out(each, inner, 1) for each in value]
    lines = [parts[0]]
    for part in parts[1:]:
        if "\n" not in lines[-1] + part and len(inner) + len(lines[-1]) + len(part) + 3 <= WIDTH and _is_scalar(part):
            lines[-1] += f", {part}"
        else:
            lines[-1] += ","
            lines.append(part)
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return f"{opening}\n{inner}" + f"\n{inner}".join(lines) + f"\n{indent}{closing}"


def _is_scalar(part: str) -> bool:
    """Objects and lists begin a line of their own, however short."""
    return part[-1] not in "}]"


def write(server: Server) -> None:
    """Writes every answer into its page."""
    for page in sorted(HERE.glob("*.md")):
        text = page.read_text("utf-8")
        page.write_text(_EXAMPLE.sub(lambda match: match[1] + render(match[2], server) + match[4], text), "utf-8")


@contextlib.contextmanager
def _running() -> Iterator[tuple[str, str]]:
    """`wayfare up` on a folder of its own: where it listens, and its token."""
    with tempfile.TemporaryDirectory() as name:
        os.environ |= {"WAYFARE_DATA": name, "WAYFARE_LOG_LEVEL": "warning", "NO_COLOR": "1"}
        process = subprocess.Popen(
            [sys.executable, "-m", "pipeline.cli", "up", "--port", "0"], stdout=subprocess.DEVNULL
        )
        try:
            while True:
                time.sleep(0.3)
                assert process.poll() is None, "it has ended"
                with contextlib.suppress(OSError, ValueError):  # not yet there, not yet written
                    holder = json.loads((Path(name) / "lock").read_bytes())
                    if holder["url"]:
                        yield holder["url"], holder["token"]
                        return
        finally:
            process.terminate()
            process.wait(30)


def main() -> None:
    with _running() as (url, token):
        write(prepared(url, token))


if __name__ == "__main__":
    main()
