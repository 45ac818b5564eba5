"""A shop of a few pages and a small app, on a port of its own, with the tracker's line in it.

Its content security policy lets in its own files and the collector, and nothing inline.
"""

import threading
from collections.abc import Iterable
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

PAGES = Path(__file__).parent / "site"
TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".pdf": "application/pdf"}
LEAFLET = b"%PDF-1.4\n%%EOF\n"
ROWS = 500  # of four elements each, in the page /rows.html


class Site:
    def __init__(self, collector: str, lines: Iterable[str], clients: Path | None = None) -> None:
        """`collector`: its URL. `lines`: of HTML, for the head of each page.

        `clients`: a folder of others' clients, below /clients/; with them there is no policy, as they need eval or
        scripts by name.
        """
        self.head, self.clients = "\n".join(lines), clients
        allowed = f"{collector} 'self'"
        self.policy = (
            f"default-src 'none'; script-src {allowed} 'inline-speculation-rules'; connect-src {allowed}; "
            "style-src 'self'; img-src data:; "
            "frame-src 'self'; form-action 'self'; require-trusted-types-for 'script'"
        )
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def file(self, path: str) -> tuple[str, bytes] | None:
        """Type and content; None where there is no such file."""
        if path == "/leaflet.pdf":
            return TYPES[".pdf"], LEAFLET
        if self.clients is not None and path.startswith("/clients/"):
            client = self.clients / path.removeprefix("/clients/")
            return (TYPES[".js"], client.read_bytes()) if client.is_file() else None
        name = "app.html" if path == "/app" or path.startswith("/app/") else path.lstrip("/") or "index.html"
        file = PAGES / name
        if file.parent != PAGES or not file.is_file():
            return None
        page = file.read_text("utf-8").replace("<!-- wayfare -->", self.head).replace("<!-- rows -->", rows())
        return TYPES[file.suffix], page.encode()


def rows() -> str:
    return "".join(
        f'<p id="row-{number}"><span>Row</span> <a href="#row-{number}">{number}</a> <b>of many</b></p>'
        for number in range(ROWS)
    )


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, site: Site, *given: object) -> None:
        self.site = site
        super().__init__(*given)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        found = self.site.file(path)
        missing = self.site.file("/missing.html") if path.endswith(".html") else None
        kind, content = found or missing or ("text/plain", b"no such page")
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        if self.site.clients is None:
            self.send_header("Content-Security-Policy", self.site.policy)
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:
        pass
