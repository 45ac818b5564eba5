"""The store behind ClickHouse's native protocol, through clickhouse-driver.

A client of the driver is one connection and not thread-safe: statements of several threads run on a small pool of
them. Values are bound by the server (`{name:Type}`), rows travel as Native blocks of our own encoder.
"""

import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from clickhouse_driver import Client, errors
from clickhouse_driver.defines import (
    DBMS_MIN_REVISION_WITH_CUSTOM_SERIALIZATION,
)
from clickhouse_driver.result import QueryResult

from pipeline.errors import StoreRefused, StoreUnavailable
from pipeline.store.blocks import split_blocks, table_named
from pipeline.store.native import UnfitValue, encode_block
from pipeline.store.parameters import parameter_texts
from pipeline.store.port import Column, Cost, Row, Stop
from pipeline.store.refusals import store_error
from pipeline.store.results import check_type, number_type

CLIENTS = 8  # at most so many statements run at once
CONNECT_SECONDS = 5
ANSWER_SECONDS = 120  # without a byte from the server; a long query sends its progress

# Packets of the client: data (2) of no named table, then the block's own head (not overflowed, no bucket).
_DATA = b"\x02\x00" + b"\x01\x00\x02\xff\xff\xff\xff\x00"
_END_OF_DATA = _DATA + b"\x00\x00"
_STREAM_ROWS = 65_536

_UNREACHABLE = (errors.NetworkError, errors.SocketTimeoutError, EOFError, OSError)


@dataclass(frozen=True)
class Address:
    host: str
    port: int = 9000
    user: str = "default"
    password: str = field(default="", repr=False)
    database: str = "default"
    secure: bool = False
    verify: bool = True

    def __str__(self) -> str:
        return f"clickhouse://{self.host}:{self.port}/{self.database}"


class _Numbers(QueryResult):  # type: ignore[misc]
    """The columns of a result as arrays, made block by block: the driver's own values take five times the memory."""

    def store(self, packet: Any) -> None:
        block = getattr(packet, "block", None)
        if block is None:
            return
        kinds = [number_type(column_type) for _, column_type in block.columns_with_types]
        if block.num_rows:
            columns = zip(block.get_columns(), kinds, strict=True)
            self.data.append([np.array(column, kind) for column, kind in columns])

    def get_result(self) -> list[Column]:
        for packet in self.packet_generator:
            self.store(packet)
        return [np.concatenate(parts) for parts in zip(*self.data, strict=True)]  # none without a row


@contextmanager
def _numbers_from(client: Client) -> Iterator[None]:
    client.query_result_cls = _Numbers
    try:
        yield
    finally:
        client.query_result_cls = QueryResult


class RemoteStore:
    """`pipeline.store.port.Store` on a ClickHouse server, 24.2 or newer. Connects at the first statement."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._clients = _Clients(address)

    def __repr__(self) -> str:
        return f"RemoteStore({self.address})"

    def query(
        self, sql: str, parameters: Mapping[str, Any] | None = None, settings: Mapping[str, Any] | None = None
    ) -> list[Row]:
        return self.measured(sql, parameters, settings)[0]

    def measured(
        self,
        sql: str,
        parameters: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
        stop: Stop | None = None,
    ) -> tuple[list[Row], Cost]:
        with self._clients.lease() as client, (stop or Stop()).ends(lambda: _hang_up(client)):
            rows, types = client.execute(sql, _bound(parameters), with_column_types=True, settings=dict(settings or {}))
            progress = client.last_query.progress
        for _, column_type in types:
            check_type(column_type)
        return rows, Cost(progress.rows, progress.bytes)

    def columns(
        self,
        sql: str,
        parameters: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
        stop: Stop | None = None,
    ) -> tuple[list[Column], Cost]:
        with self._clients.lease() as client, (stop or Stop()).ends(lambda: _hang_up(client)):
            with _numbers_from(client):
                columns = client.execute(sql, _bound(parameters), columnar=True, settings=dict(settings or {}))
            progress = client.last_query.progress
        return columns, Cost(progress.rows, progress.bytes)

    def stream(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Iterator[list[Row]]:
        with self._clients.lease(counted=False) as client:
            rows = client.execute_iter(
                sql,
                _bound(parameters),
                with_column_types=True,
                chunk_size=_STREAM_ROWS,
                settings={"max_block_size": _STREAM_ROWS},
            )
            finished = False
            try:
                for number, chunk in enumerate(rows):
                    if number == 0:
                        for _, column_type in chunk.pop(0):
                            check_type(column_type)
                    if chunk:
                        yield chunk
                finished = True
            finally:
                if not finished:
                    client.disconnect()  # what was not read would stand before the next answer

    def command(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        with self._clients.lease() as client:
            # What copies a table takes as long as it takes, whatever the server's profile says.
            client.execute(sql, _bound(parameters), settings={"max_execution_time": 0})

    def insert(self, table: str, columns: Sequence[Sequence[Any]]) -> None:
        target = table_named(table)
        named = [(column.name, column.type) for column in target.columns]
        sql = f"INSERT INTO {table} ({', '.join(f'`{name}`' for name, _ in named)}) VALUES"
        try:
            for block in split_blocks(target, columns):
                with self._clients.lease() as client:
                    _send_block(client, sql, named, block)
        except UnfitValue as error:
            raise StoreRefused(f"{table}: {error}", code="unfit_value") from error

    def close(self) -> None:
        self._clients.close()


def _hang_up(client: Any) -> None:
    """From another thread than the statement's. The server ends what a client asked that goes away; the statement's
    thread reads the end of the connection, and the client connects anew for its next one."""
    connection = client.connection.socket
    if connection is not None:
        with suppress(OSError):  # it is closed already
            connection.shutdown(socket.SHUT_RDWR)


def _send_block(client: Any, sql: str, named: Sequence[tuple[str, str]], block: Sequence[Sequence[Any]]) -> None:
    """One INSERT of one block, written as the driver would write it but by our encoder, in two thirds of its time.

    Leans on the driver's internals: hence its narrow range in pyproject, and tests of every error that may come back.
    """
    with client.disconnect_on_error(sql, {}):  # connects; after an error the connection is dropped
        connection = client.connection
        # Only a connected server tells how a block is written: since revision 54454 with a byte after each type.
        custom = connection.server_info.used_revision >= DBMS_MIN_REVISION_WITH_CUSTOM_SERIALIZATION
        data = encode_block(named, block, b"\x00" if custom else b"")
        connection.send_query(sql)
        connection.send_external_tables([])
        client.receive_sample_block()
        connection.fout.write(_DATA)
        connection.fout.write(data)
        connection.fout.write(_END_OF_DATA)
        connection.fout.flush()
        client.receive_end_of_query()


class _Bound:
    """A parameter's text, escaped once more as the protocol wants it. No str: the driver would escape that again."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        return self._text.replace("\\", "\\\\").replace("'", "\\'")


def _bound(parameters: Mapping[str, Any] | None) -> dict[str, _Bound]:
    return {name: _Bound(text) for name, text in parameter_texts(parameters).items()}


class _Clients:
    """The pool. A client is made when none is free; beyond CLIENTS, statements wait for one.

    Streams don't count: who reads one may ask other things meanwhile, and must not wait for itself.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._free: list[Any] = []
        self._slots = threading.Semaphore(CLIENTS)
        self._guard = threading.Lock()
        self._closed = False

    @contextmanager
    def lease(self, *, counted: bool = True) -> Iterator[Any]:
        with self._slots if counted else nullcontext():
            with self._guard:
                if self._closed:
                    raise StoreUnavailable("the store is closed")
                client = self._free.pop() if self._free else self._connectable()
            try:
                with self._told():
                    yield client
            finally:
                with self._guard:
                    if self._closed:
                        client.disconnect()
                    else:
                        self._free.append(client)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Errors of the driver as ours."""
        try:
            yield
        except errors.ServerException as error:
            raise store_error(error.code, error.message) from error
        except _UNREACHABLE as error:
            raise StoreUnavailable(f"{self._address} does not answer: {error}") from error
        except errors.Error as error:
            raise StoreRefused(f"{self._address}: {error}") from error

    def _connectable(self) -> Any:
        address = self._address
        return Client(
            address.host,
            address.port,
            user=address.user,
            password=address.password,
            database=address.database,
            secure=address.secure,
            verify=address.verify,
            client_name="wayfare",
            connect_timeout=CONNECT_SECONDS,
            send_receive_timeout=ANSWER_SECONDS,
            sync_request_timeout=CONNECT_SECONDS,
            settings={"server_side_params": True, "namedtuple_as_json": False},
        )

    def close(self) -> None:
        with self._guard:
            self._closed = True
            for client in self._free:
                client.disconnect()
            self._free.clear()
