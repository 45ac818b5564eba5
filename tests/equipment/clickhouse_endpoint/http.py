"""HTTP as BI tools and `curl` use it: a statement in, a result in any of ClickHouse's formats out."""

import base64
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from tests.equipment.clickhouse_endpoint.engine import DataInsert, Engine, Refusal, RunningInsert, Session
from tests.equipment.clickhouse_endpoint.native import Users, not_let_in

_STATUS = {516: 403, 192: 403, 497: 403, 164: 403, 60: 404, 81: 404, 159: 408, 202: 503}
_OURS = {"query", "database", "default_format", "user", "password", "query_id", "wait_end_of_query"}


class HttpServer(ThreadingHTTPServer):
    """Listens on 127.0.0.1; a session a request."""

    daemon_threads = True

    def __init__(self, engine: Engine, users: Users, port: int) -> None:
        self.engine, self.users = engine, users
        super().__init__(("127.0.0.1", port), _Request)
        threading.Thread(target=self.serve_forever, daemon=True, name="http").start()


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: HttpServer

    def log_message(self, format: str, *args: object) -> None:
        """No line for each request."""

    def do_GET(self) -> None:
        self._handle(may_write=False)

    def do_POST(self) -> None:
        self._handle(may_write=True)

    def _handle(self, *, may_write: bool) -> None:
        parts = urlsplit(self.path)
        asked = dict(parse_qsl(parts.query, keep_blank_values=True))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if parts.path == "/ping" or not (asked or body):
            self._reply(200, b"Ok.\n")
            return
        try:
            self._reply(200, self._carry_out(asked, body, may_write=may_write))
        except Refusal as refusal:
            told = f"Code: {refusal.code}. {refusal.message} (version {self.server.engine.version})\n"
            self._reply(_STATUS.get(refusal.code, 400), told.encode(), code=refusal.code)

    def _carry_out(self, asked: dict[str, str], body: bytes, *, may_write: bool) -> bytes:
        readonly = self._is_readonly(asked)
        settings = {name: value for name, value in asked.items() if name not in _OURS and not name.startswith("param_")}
        parameters = {name[6:]: value for name, value in asked.items() if name.startswith("param_")}
        session = self.server.engine.session(asked.get("database", ""), readonly=readonly or not may_write)
        try:
            session.use_settings(settings)
            insert = DataInsert.parse(asked.get("query", ""))
            if insert and body:
                return self._insert(session, insert, body)
            sql = asked.get("query", "") + body.decode("utf-8", "surrogateescape")
            session.check_single(sql)
            data: bytes = session.run(sql, asked.get("default_format", "TabSeparated"), parameters).bytes()
            return data
        finally:
            session.close()

    def _insert(self, session: Session, insert: DataInsert, body: bytes) -> bytes:
        running = RunningInsert(session, insert, insert.data_format)
        try:
            running.append(body)
            running.finish()
        finally:
            running.cancel()
        return b""

    def _is_readonly(self, asked: dict[str, str]) -> bool:
        name, password = asked.get("user", "default"), asked.get("password", "")
        authorization = self.headers.get("Authorization", "")
        if authorization.lower().startswith("basic "):
            name, _, password = base64.b64decode(authorization[6:]).decode().partition(":")
        name = self.headers.get("X-ClickHouse-User", name)
        user = self.server.users.get(name)
        if user is None or not user.is_let_in(self.headers.get("X-ClickHouse-Key", password)):
            raise not_let_in(name)
        return user.readonly

    def _reply(self, status: int, body: bytes, *, code: int = 0) -> None:
        self.send_response(status)
        if code:
            self.send_header("X-ClickHouse-Exception-Code", str(code))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
