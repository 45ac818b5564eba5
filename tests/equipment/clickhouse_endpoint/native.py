"""The native protocol, as clickhouse-driver speaks it: hello, queries with parameters, blocks in and out."""

import hmac
import logging
import re
import select
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.equipment.clickhouse_endpoint.engine import DataInsert, Engine, Refusal, RunningInsert, Session
from tests.equipment.clickhouse_endpoint.wire import (
    BLOCK_INFO,
    ClientGone,
    Header,
    Reader,
    UnknownType,
    block,
    read_block,
    reader_of,
    text,
    varint,
)

log = logging.getLogger(__name__)

REVISION = 54463  # with parameters (54459) and the byte of custom serialization (54454)

HELLO, QUERY, DATA, CANCEL, PING = range(5)  # packets of the client
(SERVER_HELLO, SERVER_DATA, EXCEPTION, PROGRESS, PONG, END_OF_STREAM, PROFILE_INFO) = (bytes([n]) for n in range(7))
PROFILE_EVENTS = b"\x0e"
_EVENTS_HEADER: Header = [("host_name", "String"), ("current_time", "DateTime"), ("thread_id", "UInt64")]
_EVENTS_HEADER += [("type", "Enum8('increment' = 1, 'gauge' = 2)"), ("name", "String"), ("value", "UInt64")]


class User:
    def __init__(self, password: str, *, readonly: bool) -> None:
        self.password, self.readonly = password, readonly

    def is_let_in(self, password: str) -> bool:
        return hmac.compare_digest(self.password.encode(), password.encode())


Users = dict[str, User]


def not_let_in(name: str) -> Refusal:
    told = "Authentication failed: password is incorrect, or there is no user with such name."
    return Refusal(516, f"{name}: {told} (AUTHENTICATION_FAILED)")


class NativeServer:
    """Listens on 127.0.0.1; a thread a connection."""

    def __init__(self, engine: Engine, users: Users, port: int) -> None:
        self.engine, self.users = engine, users
        self._listener = socket.create_server(("127.0.0.1", port), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True, name="native").start()

    def _accept(self) -> None:
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return  # closed
            threading.Thread(target=Connection(self, accepted).serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()


class Connection:
    def __init__(self, server: NativeServer, accepted: socket.socket) -> None:
        self._server, self._socket = server, accepted
        self._reader = Reader(lambda: accepted.recv(1 << 18))
        self._session: Session | None = None

    def serve(self) -> None:
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            session = self._session = self._hello()
            while True:
                self._packet(session)
        except (ClientGone, ConnectionError):
            pass
        except (Refusal, UnknownType) as error:
            self._refuse(error)
        finally:
            if self._session:
                self._session.close()
            self._socket.close()

    def _packet(self, session: Session) -> None:
        packet = self._reader.varint()
        if packet == PING:
            self._send(PONG)
        elif packet == QUERY:
            self._query(session)
        elif packet == DATA:  # of an insert that was refused in the middle
            self._read_data()
        elif packet != CANCEL:
            raise Refusal(101, f"Unexpected packet {packet} from client. (UNEXPECTED_PACKET_FROM_CLIENT)")

    def _send(self, *parts: bytes) -> None:
        self._socket.sendall(b"".join(parts))

    def _send_block(self, body: bytes, packet: bytes = SERVER_DATA) -> None:
        self._send(packet, text(""), BLOCK_INFO, body)

    def _refuse(self, error: Refusal | UnknownType) -> None:
        refusal = error if isinstance(error, Refusal) else Refusal(48, f"{error} (NOT_IMPLEMENTED)")
        try:
            self._send(
                EXCEPTION,
                struct.pack("<i", refusal.code),
                text("DB::Exception"),
                text(refusal.message),
                text(""),
                b"\0",
            )
        except OSError:
            log.info("the client has gone before it heard: %s", refusal)

    def _hello(self) -> Session:
        reader, engine = self._reader, self._server.engine
        if reader.varint() != HELLO:
            raise Refusal(101, "not a ClickHouse client")
        reader.text()
        reader.varint()
        reader.varint()
        if reader.varint() < REVISION:
            raise Refusal(101, f"this endpoint speaks revision {REVISION} only")
        database, name, password = reader.text(), reader.text(), reader.text()
        user = self._server.users.get(name)
        if user is None or not user.is_let_in(password):
            raise not_let_in(name)
        session = engine.session(database, readonly=user.readonly)
        major, minor, patch = (int(part) for part in engine.version.split(".")[:3])
        self._send(
            *(SERVER_HELLO, text("ClickHouse"), varint(major), varint(minor), varint(REVISION)),
            *(text(engine.timezone), text("endpoint"), varint(patch)),
            *(varint(0), bytes(8)),  # no rules for passwords, no nonce
        )
        reader.text()  # quota key
        return session

    def _read_data(self) -> tuple[Header, int, list[bytes]]:
        """After the packet's number: table, block info, block."""
        reader = self._reader
        if reader.text():
            raise Refusal(48, "external tables are not supported. (NOT_IMPLEMENTED)")
        while (field := reader.varint()) != 0:
            reader.skip(1 if field == 1 else 4)
        return read_block(reader, marked=True)

    def _query(self, session: Session) -> None:
        settings, sql, parameters = self._read_query()
        while self._reader.varint() != DATA or self._read_data()[0]:
            raise Refusal(48, "external tables are not supported. (NOT_IMPLEMENTED)")
        try:
            session.use_settings(settings)
            insert = DataInsert.parse(sql)
            if insert:
                self._insert(session, insert)
            else:
                self._answer(session, sql, parameters)
            self._send(END_OF_STREAM)
        except (Refusal, UnknownType) as error:
            self._refuse(error)

    def _read_query(self) -> tuple[dict[str, str], str, dict[str, str]]:
        """Settings, statement, parameters."""
        reader = self._reader
        reader.text()
        if reader.byte():
            self._skip_client_info()
        settings = self._read_settings()
        reader.text()  # secret between servers
        reader.varint()  # stage
        if reader.varint():
            raise Refusal(48, "compression is not supported. (NOT_IMPLEMENTED)")
        sql = reader.text()
        parameters = {name: _unquoted(value) for name, value in self._read_settings().items()}
        return settings, sql, parameters

    def _skip_client_info(self) -> None:
        reader = self._reader
        for _ in range(3):
            reader.text()
        reader.skip(8)  # start of the initial query
        interface = reader.byte()
        if interface == 1:
            for _ in range(3):
                reader.text()
            for _ in range(3):
                reader.varint()
        reader.text()  # quota key
        reader.varint()  # depth of distribution
        if interface == 1:
            reader.varint()
        if reader.byte():  # a trace
            reader.skip(24)
            reader.text()
            reader.skip(1)
        for _ in range(3):  # parallel replicas
            reader.varint()

    def _read_settings(self) -> dict[str, str]:
        reader, settings = self._reader, {}
        while name := reader.text():
            reader.varint()
            settings[name] = reader.text()
        return settings

    def _answer(self, session: Session, sql: str, parameters: dict[str, str]) -> None:
        session.check_single(sql)
        with self._watched(session):
            if not session.reads(sql):
                self._send_blocks(session.run(sql, "Native", parameters).bytes(), is_first=True)
                return
            blocks = session.blocks(sql, parameters)
            try:
                is_first = True
                for chunk in blocks:
                    self._send_blocks(chunk.bytes(), is_first=is_first)
                    is_first = False
            finally:
                blocks.close()  # type: ignore[attr-defined]
            if is_first:
                self._send_block(block(session.header(sql, parameters), marked=True))

    def _send_blocks(self, data: bytes, *, is_first: bool) -> None:
        """Clients take names and types from a block without rows, which comes first."""
        reader = reader_of(data)
        while not reader.at_end():
            header, rows, bodies = read_block(reader, marked=False)
            if is_first:
                self._send_block(block(header, marked=True))
                is_first = False
            if rows:
                self._send_block(block(header, rows, bodies, marked=True))

    def _insert(self, session: Session, insert: DataInsert) -> None:
        header = session.insert_header(insert)
        running = RunningInsert(session, insert, "Native")
        try:
            self._send_block(block(header, marked=True))
            while True:
                packet = self._reader.varint()
                if packet == CANCEL:
                    return
                if packet != DATA:
                    raise Refusal(101, f"Unexpected packet {packet} from client. (UNEXPECTED_PACKET_FROM_CLIENT)")
                sent, rows, bodies = self._read_data()
                self._send_block(block(_EVENTS_HEADER, marked=True), PROFILE_EVENTS)
                if not sent:
                    break
                if rows:
                    running.append(block(sent, rows, bodies, marked=False))
            self._progress_written(running.finish())
        finally:
            running.cancel()

    def _progress_written(self, rows: int) -> None:
        # read rows and bytes, of how many rows and bytes, written rows and bytes, ns
        self._send(PROGRESS, varint(0), varint(0), varint(0), varint(0), varint(rows), varint(0), varint(0))

    @contextmanager
    def _watched(self, session: Session) -> Iterator[None]:
        """While a query runs, a client that cancels or goes away ends it."""
        done, guard = threading.Event(), threading.Lock()

        def watch() -> None:
            while not done.is_set():
                readable, _, _ = select.select([self._socket], [], [], 0.2)
                if not readable:
                    continue
                with guard:
                    if not done.is_set() and self._socket.recv(1, socket.MSG_PEEK) in (b"", bytes([CANCEL])):
                        self._server.engine.kill(session.name)
                return

        threading.Thread(target=watch, daemon=True).start()
        try:
            yield
        finally:
            with guard:
                done.set()


def _unquoted(value: str) -> str:
    """A parameter's text: it travels as a quoted literal."""
    return re.sub(r"\\(.)", r"\1", value[1:-1], flags=re.S) if value.startswith("'") else value
