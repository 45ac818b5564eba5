"""Answers as tables: CSV, JSON lines or Parquet, by the Accept header, sent in pieces.

An answer's `part` (groups, periods, links ...) becomes rows. Objects inside are columns with dots; a list of objects
inside is a row each, beside what holds it; any other list is JSON in one column. Values of events are no part of an
answer's shape: lists of them are JSON whatever is in them.

    {"period": "2025-03-03", "customers": 4, "cells": [{"after": 0, "count": 4}, {"after": 1, "count": 2}]}
    period      customers  cells.after  cells.count
    2025-03-03  4          0            4
    2025-03-03  4          1            2
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any, Final

from fastapi import Request
from fastapi.responses import StreamingResponse

from pipeline.errors import InvalidQuestion

Record = Mapping[str, Any]
CSV, LINES, PARQUET = "text/csv", "application/x-ndjson", "application/vnd.apache.parquet"
PIECE: Final = 5_000  # rows
_OF_EVENTS: Final = frozenset({"frequent"})  # lists of values as somebody sent them
# A spreadsheet calculates a text that begins so. What visitors choose, as a campaign's name in a link, must not be one.
_FORMULA: Final = re.compile(r"[=@\t\r]|[+-](?!\d*\.?\d*\Z)")
# What becomes rows where nobody says: the first of these that the answer has and that is not empty.
_PARTS: Final = (
    *("rows", "cohorts", "points", "links", "steps", "histogram", "elements", "counts", "events", "total"),
)


def wanted(request: Request) -> str | None:
    """The media type of a table that the client asks for."""
    accepted = request.headers.get("accept", "")
    return next((media for media in WRITERS if media in accepted), None)


def sent(records: Iterable[Record], media: str, name: str) -> StreamingResponse:
    """The records as a file, in pieces."""
    pieces, ending = WRITERS[media]
    headers = {"Content-Disposition": f'attachment; filename="{name}.{ending}"'}
    told = f"{media}; charset=utf-8" if media != PARQUET else media
    # A list is one block, so that a column which is empty at first has the type of what follows.
    blocks = iter([records] if records else []) if isinstance(records, list) else _blocks(iter(records))
    return StreamingResponse(pieces(blocks), media_type=told, headers=headers)


def records_of(result: Record, part: str | None) -> list[Record]:
    """The rows of a part of an answer's result. InvalidQuestion for a part that it does not have."""
    parts = [name for name, value in result.items() if isinstance(value, list | dict)]
    if part is None:
        part = next((name for name in _PARTS if result.get(name)), parts[0] if parts else "")
    if part not in parts:
        raise InvalidQuestion(f"the answer has the parts {', '.join(parts)}", field="part")
    held = result[part]
    if part == "total":
        return list(_rows(held))
    return _even([row for one in (held if isinstance(held, list) else [held]) for row in _rows(one)])


def _even(rows: list[dict[str, Any]]) -> list[Record]:
    """The rows with the same columns, though one may have nothing in a list whose objects are columns in others."""
    columns = dict.fromkeys(chain.from_iterable(rows))
    prefixes = {name[:at] for name in columns for at, letter in enumerate(name) if letter == "."}
    kept = [name for name in columns if name not in prefixes]
    return [{name: row.get(name) for name in kept} for row in rows]


def _rows(one: Any, prefix: str = "") -> Iterator[dict[str, Any]]:
    if not isinstance(one, Mapping):
        yield {prefix.removesuffix(".") or "value": one}
        return
    flat: dict[str, Any] = {}
    lists: list[tuple[str, list[Any]]] = []
    for name, value in one.items():
        if isinstance(value, Mapping):
            flat |= next(_rows(value, f"{prefix}{name}."), {})
        elif name not in _OF_EVENTS and isinstance(value, list) and value and isinstance(value[0], Mapping):
            lists.append((name, value))
        else:
            flat[f"{prefix}{name}"] = json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value
    if not lists:
        yield flat
        return
    for name, inside in lists:
        for each in inside:
            for row in _rows(each, f"{prefix}{name}."):
                yield flat | row


def _blocks(records: Iterator[Record]) -> Iterator[list[Record]]:
    while block := list(islice(records, PIECE)):
        yield block


def _columns(block: list[Record]) -> list[str]:
    return list(dict.fromkeys(chain.from_iterable(block)))


def _csv(blocks: Iterator[list[Record]]) -> Iterator[bytes]:
    columns: list[str] = []
    for block in blocks:
        text = io.StringIO()
        if not columns:
            columns = _columns(block)
            csv.writer(text).writerow(columns)
        csv.writer(text).writerows([_cell(one.get(name)) for name in columns] for one in block)
        yield text.getvalue().encode()


def _cell(value: Any) -> Any:
    """As a sheet shows it: true and false as JSON has them, and no text that is a formula."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def _lines(blocks: Iterator[list[Record]]) -> Iterator[bytes]:
    for block in blocks:
        yield "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in block).encode()


def _parquet(blocks: Iterator[list[Record]]) -> Iterator[bytes]:
    """A row group a block, of the columns and types of the first."""
    import pyarrow  # here: it takes longer to load than everything else that answers
    import pyarrow.parquet

    first = next(blocks, [])
    schema = pyarrow.Table.from_pylist(first).schema
    sink = _Sink()
    with pyarrow.parquet.ParquetWriter(sink, schema) as writer:
        for block in chain([first], blocks):
            writer.write_table(pyarrow.Table.from_pylist(block, schema=schema))
            yield sink.taken()
    yield sink.taken()


class _Sink(io.RawIOBase):
    """What has been written since it was last taken."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._at = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        piece = bytes(data)
        self._pieces.append(piece)
        self._at += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self._at

    def taken(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


Pieces = Callable[[Iterator[list[Record]]], Iterator[bytes]]
WRITERS: Final[Mapping[str, tuple[Pieces, str]]] = {
    CSV: (_csv, "csv"),
    LINES: (_lines, "jsonl"),
    PARQUET: (_parquet, "parquet"),
}
CONTENT: Final[dict[str, Any]] = {
    media: {"schema": {"type": "string"} | ({"format": "binary"} if media == PARQUET else {})} for media in WRITERS
}
