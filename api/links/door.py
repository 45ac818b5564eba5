"""The routes of mails: `/v1/link?t=TOKEN` and `/v1/pixel.gif?t=TOKEN`.

The reader comes first: who follows a link that is signed is sent on whether or not the log takes the event, and after a
second at most. What was not logged is counted (`wayfare_collector_unrecorded_total`), and nobody is told that it was.
A link that is not signed leads nowhere.
"""

import asyncio
import html
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, Final
from urllib.parse import parse_qs

from api.collect.admission import Admission
from api.collect.answers import Answer, Refused, refusal, request_id
from api.collect.consent import is_opted_out
from api.collect.counters import Counters
from api.collect.lines import EventLines
from api.collect.senders import Sender
from api.collect.visitors import Visitor
from api.links.followed import Followed, Visit, followed
from api.links.token import Broken, Signers, opened, payload_of
from api.protocols.protocol import PIXEL
from api.webhooks.door import json_bytes
from pipeline.errors import LogFull, LogUnavailable, UserMistake
from pipeline.log.port import LogWriter
from schemas.definitions import Key
from schemas.log import EVENTS

LINK: Final = "/v1/link"
PIXEL_PATH: Final = "/v1/pixel.gif"
PARAMETER: Final = b"t="
WAIT_S: Final = 1.0  # that a reader waits for the log
_REJECTS: Final = " rejects"  # added to a key's name
_NO_STORE: Final = (b"cache-control", b"no-store, no-cache, must-revalidate, private")
_UNKEPT: Final = ((b"pragma", b"no-cache"), (b"expires", b"0"), (b"referrer-policy", b"no-referrer-when-downgrade"))
NewLines = Callable[[Sender, Visitor], EventLines]


def is_asked(scope: MutableMapping[str, Any]) -> bool:
    """A pixel without a token is another thing: see api.protocols.pixel."""
    path: str = scope["path"]
    if path == PIXEL_PATH:
        query: bytes = scope.get("query_string", b"")
        return query.startswith(PARAMETER) or b"&" + PARAMETER in query
    return path == LINK


class LinkDoor:
    """Answers requests for links and pixels."""

    def __init__(
        self, signers: Signers, admission: Admission, writer: LogWriter, lines: NewLines, counters: Counters,
        wait_s: float = WAIT_S,
    ) -> None:  # fmt: skip
        self._signers, self._admission, self._writer = signers, admission, writer
        self._lines, self._counters, self._wait_s = lines, counters, wait_s
        self._waiting: set[asyncio.Future[None]] = set()

    async def answer(
        self, scope: MutableMapping[str, Any], headers: Mapping[bytes, bytes], peer: str, now: int
    ) -> Answer:
        """Raises Refused: 405, and 429 for links of nobody."""
        if scope["method"] not in ("GET", "HEAD"):
            raise Refused(405, "method_not_allowed", "a link is followed with GET", headers=((b"allow", b"GET, HEAD"),))
        visit = Visit(headers, peer, now, scope["method"] == "HEAD")
        token = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("t", [""])[0]
        is_link = scope["path"] == LINK
        try:
            key, claims = opened(token, self._signers, now)
            if is_link != bool(claims.to):
                told = "it has no `to`, so it leads nowhere" if is_link else "a pixel has no `to`"
                raise Broken(400, "invalid_link", told, key)
        except Broken as error:
            if error.key is None:
                self._admission.request(peer)
            else:
                await self._rejected(error.key, error.message, token, visit)
            self._counters.refusals[error.status, error.code] += 1
            return _refused(error, headers)
        found = followed(claims, visit)
        await self._recorded(key, found, visit)
        return _sent_on(found.to) if is_link else _pixel()

    async def _recorded(self, key: Key, found: Followed, visit: Visit) -> None:
        raw = json_bytes(found.event)
        await self._append(key, visit, key.name, lambda lines: lines.add_text(raw))

    async def _rejected(self, key: Key, words: str, token: str, visit: Visit) -> None:
        payload = json_bytes(payload_of(token))
        # By an allowance of its own: a key is named in every link, so anybody makes rejects of it, and they must not
        # use up what its readers have.
        bucket = f"{key.name}{_REJECTS}"
        await self._append(key, visit, bucket, lambda lines: lines.add_refused(payload, "invalid_link", words))

    async def _append(self, key: Key, visit: Visit, bucket: str, add: Callable[[EventLines], None]) -> None:
        """To the log, where log and limits, those of a key named `bucket`, allow it; else it is counted. It does not
        wait for a log that is slow."""
        sender = Sender(key.project, key.source, key.source_kind, key.name, key.origins)
        try:
            self._admission.request(visit.address)
            self._admission.events(sender._replace(key=bucket), 1)
            # By no page and no peer: webmail may lie anywhere, and what the token says is believed.
            visitor = self._admission.visitor(sender, {}, "", visit.now)
            opted_out = visitor.policy.looks_at_signals and is_opted_out(visitor.policy, visit.headers)
            lines = self._lines(sender, visitor._replace(is_opted_out=opted_out))
            add(lines)
            appended = asyncio.ensure_future(self._writer.append_all(EVENTS, lines.by_partition))
        except Refused as error:
            self._counters.unrecorded[key.project, key.source, error.code] += 1
            return
        except (UserMistake, LogFull, LogUnavailable) as error:
            self._counters.unrecorded[key.project, key.source, _why(error)] += 1
            return
        self._waiting.add(appended)
        appended.add_done_callback(lambda ended: self._ended(ended, sender, lines))
        await asyncio.wait((appended,), timeout=self._wait_s)

    def _ended(self, appended: "asyncio.Future[None]", sender: Sender, lines: EventLines) -> None:
        self._waiting.discard(appended)
        error = None if appended.cancelled() else appended.exception()
        if appended.cancelled() or error is not None:
            self._counters.unrecorded[sender.project, sender.source, _why(error)] += 1
        else:
            self._counters.took(sender.project, sender.source, lines.accepted, lines.rejected)


def _why(error: BaseException | None) -> str:
    return "log_full" if isinstance(error, LogFull) else "log_unavailable"


def _sent_on(to: str) -> Answer:
    return Answer(302, ((b"location", to.encode()), (b"content-length", b"0"), _NO_STORE, *_UNKEPT), b"")


def _pixel() -> Answer:
    told = ((b"content-type", b"image/gif"), (b"content-length", b"%d" % len(PIXEL)), _NO_STORE, *_UNKEPT)
    return Answer(200, told, PIXEL)


def _refused(error: Broken, headers: Mapping[bytes, bytes]) -> Answer:
    """A page for who followed it in a browser; the house's one shape for all others. Never cached."""
    if b"text/html" not in headers.get(b"accept", b""):
        return refusal(error.status, error.code, error.message, headers=(_NO_STORE,))
    name = request_id()
    words = html.escape(error.message)
    body = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>This link does not work</title>'
        '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">'
        '<body style="font:1.1em/1.5 sans-serif;max-width:32em;margin:15vh auto;padding:0 1em">'
        f"<h1>This link does not work</h1><p>{words[:1].upper()}{words[1:]}.</p>"
        f"<p>Please go to the sender's page by its address.</p><p><small>{error.code}, {name}</small></p></body></html>"
    ).encode()
    told = (
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", b"%d" % len(body)),
        (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'"),
        (b"x-request-id", name.encode()),
        _NO_STORE,
    )
    return Answer(error.status, told, body)
