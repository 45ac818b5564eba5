"""A bad way to a server: what is posted over it meets misfortunes before it is answered, some after it was taken.

Told apart by the first message id in a body: its first tries meet a row of misfortunes, each id another one first, and
the try after them goes through.
"""

import gzip
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

import httpx

TAKEN = ("taken, then cut", "taken, then half an answer", "taken, then 500")
REFUSED = ("503", "429", "cut at once")
MISFORTUNES = tuple(each for pair in zip(TAKEN, REFUSED, strict=True) for each in pair)
_ID = re.compile(rb'"messageId": ?"([^"]+)"')
NOT_SENT_ON = {"host", "connection", "content-length", "transfer-encoding", "accept-encoding"}


class BadWay:
    def __init__(self, url: str, misfortunes: int) -> None:
        """To the server at `url`; so many misfortunes for each first message id. Use it with `with`."""
        self.to, self.misfortunes = url, misfortunes
        self.met: list[str] = []
        self.http = httpx.Client(timeout=20)
        self._tries: dict[bytes, int] = {}
        self._lock = threading.Lock()
        way = self

        class Handler(_Handler):
            def __init__(self, *given: object) -> None:
                self.way = way
                super().__init__(*given)  # type: ignore[arg-type]

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self.http.close()

    def meets(self, body: bytes) -> str:
        """What befalls a body: one of MISFORTUNES, or "" where it goes through."""
        found = _ID.search(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body)
        if found is None:
            return ""
        with self._lock:
            number = list(self._tries).index(found[1]) if found[1] in self._tries else len(self._tries)
            tried = self._tries.get(found[1], 0)
            self._tries[found[1]] = tried + 1
            if tried >= self.misfortunes:
                return ""
            misfortune = MISFORTUNES[(number * self.misfortunes + tried) % len(MISFORTUNES)]
            self.met.append(misfortune)
            return misfortune


class _Handler(BaseHTTPRequestHandler):
    way: BadWay
    protocol_version = "HTTP/1.1"

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        misfortune = self.way.meets(body) if self.command == "POST" else ""
        if misfortune == "cut at once":
            self.close_connection = True
            return
        if misfortune in ("503", "429"):
            self._tell(int(misfortune), b"{}", {"Retry-After": "1"} if misfortune == "429" else {})
            return
        kept = {name: value for name, value in self.headers.items() if name.lower() not in NOT_SENT_ON}
        answer = self.way.http.request(self.command, self.way.to + self.path, content=body, headers=kept)
        if misfortune == "taken, then cut":
            self.close_connection = True
        elif misfortune == "taken, then half an answer":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
            self.close_connection = True
        elif misfortune == "taken, then 500":
            self._tell(500, b"{}", {})
        else:
            passed = {
                name: value
                for name, value in answer.headers.items()
                if name not in ("content-length", "content-encoding", "connection", "date")
            }
            self._tell(answer.status_code, answer.content, passed)

    do_GET = do_POST = do_OPTIONS = _pass

    def _tell(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        readable = {name.lower() for name in headers} & {"access-control-allow-origin"}
        for name, value in headers.items():
            self.send_header(name, value)
        if not readable:
            self.send_header("Access-Control-Allow-Origin", self.headers.get("Origin") or "*")
            self.send_header("Access-Control-Allow-Credentials", "true")
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if status != 204:
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass
