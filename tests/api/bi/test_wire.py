"""What the JDBC client (Metabase) and the Go client (Grafana) send and read, as seen of their releases: frames of block
compression, blocks of a protocol revision, how many rows. Read by clickhouse-driver, which is neither of them."""

import io
import json
import struct
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import lz4.block
import pytest
from clickhouse_cityhash.cityhash import CityHash128
from clickhouse_driver.bufferedreader import BufferedSocketReader
from clickhouse_driver.streams.compressed import CompressedBlockInputStream
from clickhouse_driver.streams.native import BlockInputStream

from api.bi.asked import LONGEST
from api.bi.blocks import unframed
from pipeline.errors import StoreRefused
from pipeline.store.native_revision import revised
from tests.api.bi.conftest import Door

if sys.version_info >= (3, 14):
    from compression.zstd import ZstdFile
else:
    from backports.zstd import ZstdFile

REVISION = 54_460  # of the Go client
TYPES = [
    "number::UInt8",
    "toString(number)",
    "repeat('é', number)",
    "toLowCardinality(toString(number % 3))",
    "toLowCardinality(if(number % 2, NULL, 'x'))",
    "if(number % 2, NULL, number)",
    "range(number % 4)",
    "arrayMap(x -> toLowCardinality(toString(x)), range(number % 4))",
    "[[toString(number)], []]",
    "tuple(number, toString(number), toLowCardinality('k'))",
    "map('a', number, 'b', number + 1)",
    "toDate('2026-01-02') + number",
    "toDateTime64('2026-01-02 03:04:05.678', 3, 'UTC')",
    "toDecimal64(number, 4)",
    "toDecimal128(number, 4)",
    "CAST(number % 2, 'Enum8(\\'a (b\\' = 0, \\'c, d\\' = 1)')",
    "toFixedString(leftPad(toString(number), 5, '0'), 5)",
    "toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0')",
    "toIPv4('10.0.0.1')",
    "number::Int256",
    "number / 3",
    "number % 2 = 0",
    "NULL",
    "toIntervalDay(number)",
    "CAST((number, 'x'), 'Tuple(`a b` UInt8, c Array(LowCardinality(String)))')".replace("'x'", "['x']"),
]


def blocks(data: bytes, revision: int, *, packed: bool = False) -> list[Any]:
    """The columns of each block, as clickhouse-driver reads them at a revision; packed: in frames."""
    context = SimpleNamespace(
        server_info=SimpleNamespace(used_revision=revision, get_timezone=lambda: None),
        settings={},
        client_settings={"use_numpy": False, "strings_as_bytes": False, "strings_encoding": "utf-8"}
        | {"input_format_null_as_default": False, "namedtuple_as_json": True, "server_side_params": False},
    )
    stream, found = (CompressedBlockInputStream if packed else BlockInputStream)(reader(data), context), []
    while True:
        try:
            block = stream.read()
        except EOFError:
            return found
        found.append((block.columns_with_types, block.get_columns()))


def reader(data: bytes) -> BufferedSocketReader:
    """Of what a socket would bring."""
    return BufferedSocketReader(SimpleNamespace(recv_into=io.BytesIO(data).readinto), 1 << 16)


def native(door: Door, sql: str, **asked: str) -> bytes:
    answer = door.ask(sql, default_format="Native", **asked)
    assert answer.status_code == 200, answer.text
    return answer.content


@pytest.mark.parametrize("value", TYPES)
def test_a_column_of_any_type_is_the_same_at_the_clients_revision(door: Door, value: str) -> None:
    sql = f"SELECT {value} AS v, number AS n FROM numbers(300)"  # noqa: S608 - TYPES is ours
    plain, asked = native(door, sql), native(door, sql, client_protocol_version=str(REVISION))
    assert asked == revised(plain, REVISION) != plain
    assert blocks(asked, REVISION) == blocks(plain, 0) != []


def test_blocks_in_frames_hold_what_plain_ones_do(door: Door) -> None:
    sql = "SELECT *, toString(number * number) AS s FROM numbers(200000)"
    packed = native(door, sql, client_protocol_version=str(REVISION), compress="1")
    plain = native(door, sql, client_protocol_version=str(REVISION))
    assert blocks(packed, REVISION, packed=True) == blocks(plain, REVISION)
    assert len(packed) < len(plain)


PACKED: dict[int, Callable[[bytes], bytes]] = {
    0x82: lambda data: lz4.block.compress(data, store_size=False),
    0x90: lambda data: zstd_packed(data),
    0x02: bytes,
}


def zstd_packed(data: bytes) -> bytes:
    written = io.BytesIO()
    with ZstdFile(written, "wb") as file:
        file.write(data)
    return written.getvalue()


def in_frames(sql: str, method: int = 0x82) -> bytes:
    """A statement as clients send it, a frame every 100 bytes."""
    data, found = sql.encode(), b""
    for at in range(0, len(data), 100):
        packed = PACKED[method](data[at : at + 100])
        found += checked(struct.pack("<BII", method, len(packed) + 9, len(data[at : at + 100])) + packed)
    return found


def checked(packed: bytes) -> bytes:
    """With the checksum of what stands there."""
    return struct.pack("<QQ", *divmod(CityHash128(packed), 1 << 64)) + packed


@pytest.mark.parametrize("method", PACKED)
def test_a_statement_may_come_in_frames(door: Door, method: int) -> None:
    sql = f"SELECT count(), '{'é' * 200}' FROM sessions"  # noqa: S608 - ours
    assert door.rows(in_frames(sql, method), decompress="1") == door.rows(sql)
    assert door.rows(in_frames("(), 1", method), decompress="1", query="SELECT tuple") == [["()", "1"]]


@pytest.mark.parametrize(
    "harm",
    [
        lambda framed: framed[:-1],
        lambda framed: framed[:20],
        lambda framed: framed[:30] + b"~" + framed[31:],  # what the checksum is for
        lambda framed: b"SELECT 1",
        lambda framed: in_frames("SELECT '" + "a" * LONGEST + "'"),
        lambda framed: checked(b"\x91" + framed[17:]),  # a method that is not there
        lambda framed: checked(framed[16:21] + b"\xff\xff\xff\x7f" + framed[25:]),  # says that it holds 2 GB
        lambda framed: checked(framed[16:21] + b"\x07\x00\x00\x00" + framed[25:]),  # says too little
        lambda framed: checked(b"\x90" + framed[17:]),  # is no ZSTD
    ],
)
def test_what_is_no_frame_is_refused(door: Door, harm: Callable[[bytes], bytes]) -> None:
    framed = in_frames("SELECT 1")
    assert door.rows(framed, decompress="1") == [["1"]]
    assert door.refused(harm(framed), decompress="1") == 271


def test_an_answer_without_rows_is_empty_in_frames_too(door: Door) -> None:
    assert native(door, "SELECT 1 WHERE 0", compress="1", client_protocol_version=str(REVISION)) == b""


def test_a_statements_own_format_is_told_and_is_what_a_revision_is_for(door: Door) -> None:
    asked = {"default_format": "Native", "client_protocol_version": str(REVISION)}
    answer = door.ask("SELECT 1 AS a FORMAT JSONEachRow", **asked)
    assert (answer.json(), answer.headers["x-clickhouse-format"]) == ({"a": 1}, "JSONEachRow")
    answer = door.ask("SELECT ' FORMAT CSV'", **asked)
    assert answer.headers["x-clickhouse-format"] == "Native"


def test_a_type_that_cannot_be_passed_over_is_refused_and_a_revision_is_a_number(door: Door) -> None:
    sql = "SELECT sumState(number) FROM numbers(3)"
    assert door.refused(sql, default_format="Native", client_protocol_version=str(REVISION)) == 48
    assert door.refused("SELECT 1", client_protocol_version="-1") == 72
    with pytest.raises(StoreRefused, match="cannot be told"):
        revised(b"\x01\x01\x01a\x04JSON", REVISION)


def test_how_many_rows_an_answer_has_is_told_and_nothing_of_what_was_read(door: Door) -> None:
    answer = door.ask("SELECT count() FROM sessions")
    assert json.loads(answer.headers["x-clickhouse-summary"]) == {"result_rows": "1"}
    answer = door.ask("SELECT 1 WHERE 0")
    assert json.loads(answer.headers["x-clickhouse-summary"]) == {"result_rows": "0"}


def test_settings_of_inserts_come_with_every_statement_of_the_jdbc_client_and_change_nothing(door: Door) -> None:
    assert door.rows("SELECT 1", async_insert="0", wait_for_async_insert="1", compress="0") == [["1"]]


def test_an_error_in_frames_can_be_read_by_who_does_not_open_them(door: Door) -> None:
    """The JDBC client of Metabase shows an error's bytes as they come: packed, words that repeat were gone."""
    statements = ("SELECT * FROM system.grants", "SELECT nope FROM sessions", "x" * 70_000)
    for sql in statements:
        plain, framed = door.ask(sql), door.ask(sql, compress="1").content
        assert unframed(framed, 1 << 20) == plain.content
        assert plain.content in framed


def test_an_error_is_in_frames_where_answers_are(door: Door) -> None:
    answer = door.ask("SELECT nope", compress="1")
    assert answer.status_code == 400
    assert answer.headers["x-clickhouse-exception-code"] == "47"
    told = CompressedBlockInputStream(reader(answer.content), SimpleNamespace()).read_block()
    assert told.startswith(b"Code: 47. DB::Exception: Unknown expression identifier `nope`")


def test_a_tool_may_ask_for_the_first_rows_and_is_cut_off_at_no_other_limit(door: Door) -> None:
    first = {"result_overflow_mode": "break", "max_result_rows": "3"}
    assert 3 <= len(door.rows("SELECT number FROM numbers(100000)", **first)) <= 8_192
    assert door.refused("SELECT number FROM numbers(2000000)", result_overflow_mode="break") == 396
    assert (
        door.refused("SELECT number FROM numbers(2000000)", result_overflow_mode="break", max_result_rows="9999999")
        == 396
    )
