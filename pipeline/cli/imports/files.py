"""A file's records one by one, with the number of the line where each begins. Memory is bounded by one record.

ndjson, text   a line each
csv            a row each; rows may span lines
array          an object each of a JSON array, or of objects one after another; numbered by objects
parquet        a row each, read by the embedded engine in a process of its own; numbered by rows
"""

import bz2
import csv
import gzip
import io
import lzma
import re
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Literal, NamedTuple, Self, cast

import msgspec

from pipeline.errors import UserMistake
from pipeline.ingest.mapping.mapping import Csv

if sys.version_info >= (3, 14):
    from compression.zstd import ZstdError, ZstdFile
else:
    from backports.zstd import ZstdError, ZstdFile

Form = Literal["ndjson", "csv", "parquet", "text", "array"]
FORMS: Final[tuple[Form, ...]] = ("ndjson", "csv", "parquet")  # those that a user names
_SUFFIXES: Final[dict[str, Form]] = {".csv": "csv", ".tsv": "csv", ".parquet": "parquet"}
MOST_LINE: Final = 16_000_000  # bytes of a record: what a request may hold
CHUNK: Final = 1 << 18
UTF_8, UTF_16 = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")  # how a text in them may begin
# How what is packed begins, and what unpacks it as it is read.
_PACKERS: Final[dict[bytes, Callable[[IO[bytes]], IO[bytes]]]] = {
    b"\x1f\x8b": lambda raw: cast(IO[bytes], gzip.GzipFile(fileobj=raw)),
    b"\x28\xb5\x2f\xfd": lambda raw: cast(IO[bytes], ZstdFile(raw)),
    b"\xfd7zXZ": lambda raw: cast(IO[bytes], lzma.LZMAFile(raw)),  # noqa: SIM115 - who reads closes it
    b"BZh": lambda raw: cast(IO[bytes], bz2.BZ2File(raw)),
}
_BROKEN: Final = (OSError, EOFError, zlib.error, lzma.LZMAError, ZstdError)
_PACKED: Final = (".gz", ".zst", ".xz", ".bz2")
_ZIP: Final = b"PK\x03\x04"  # a folder of files: which of them is meant has to be said
_QUOTED, _BARE = re.compile(rb'["\\]'), re.compile(rb'["{}]')


class Record(NamedTuple):
    line: int
    value: bytes | dict[str, str] | None  # None: it cannot be read
    words: str = ""  # why


def form_of(file: Path) -> Form:
    """By its name, without .gz and its like."""
    suffixes = [each.lower() for each in file.suffixes if each.lower() not in _PACKED]
    return _SUFFIXES.get(suffixes[-1], "ndjson") if suffixes else "ndjson"


def size_of(file: Path) -> int | None:
    return None if str(file) == "-" else file.stat().st_size


class Reading:
    """A file that is being read; `position` is that in the file as stored. Raises UserMistake for a broken file."""

    def __init__(self, file: Path, form: Form, how: Csv | None = None) -> None:
        self._file, self._form, self._how = file, form, how or Csv()
        self._open = ExitStack()
        self._unpacked: Callable[[IO[bytes]], IO[bytes]] | None = None
        self._raw: io.BufferedReader

    def __enter__(self) -> Self:
        raw = sys.stdin.buffer if str(self._file) == "-" else self._open.enter_context(self._file.open("rb"))
        self._raw = cast(io.BufferedReader, raw)
        head = self._raw.peek(8)[:8]
        self._unpacked = next((unpacked for sign, unpacked in _PACKERS.items() if head.startswith(sign)), None)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._open.close()

    @property
    def position(self) -> int:
        return self._raw.tell() if self._raw.seekable() else 0

    @property
    def can_seek(self) -> bool:
        """A position is a place to go on from."""
        return self._form in ("ndjson", "text") and self._unpacked is None and self._raw.seekable()

    def records(self, after: int = 0, position: int = 0) -> Iterator[Record]:
        """Those behind line `after`, which ends at `position`."""
        try:
            yield from self._records(after, position)
        except _BROKEN as error:
            raise UserMistake(f"{self._file} cannot be read to its end: {error}", field="FILE") from error

    def _records(self, after: int, position: int) -> Iterator[Record]:
        if self._form == "parquet":
            yield from self._parquet(after)
            return
        if after and self.can_seek:
            self._raw.seek(position)
            yield from lines(self._raw, after, exact=self._form == "text")
            return
        stream: IO[bytes] = self._open.enter_context(self._unpacked(self._raw)) if self._unpacked else self._raw
        how = self._how_of(cast(io.BufferedReader, stream).peek(8)[:8])
        readers = {"csv": lambda: rows(stream, how), "array": lambda: objects(stream)}
        found = readers.get(self._form, lambda: lines(stream, exact=self._form == "text"))()
        yield from (record for record in found if record.line > after)

    def _how_of(self, head: bytes) -> Csv:
        """How rows are read, by how the file begins. Raises UserMistake for one that nothing here reads."""
        if head.startswith(_ZIP):
            told = f"{self._file} is a zip: unzip -p {self._file} | wayfare import - --format ..."
            raise UserMistake(told, field="FILE")
        if self._file.suffix.lower() == ".br":  # no sign tells Brotli from anything else
            told = f"{self._file} is packed by Brotli: brotli -dc {self._file} | wayfare import - --format ..."
            raise UserMistake(told, field="FILE")
        if not head.startswith(UTF_16):
            return self._how
        if self._form != "csv":
            told = f"{self._file} is UTF-16: iconv -f UTF-16 -t UTF-8 {self._file} | wayfare import -"
            raise UserMistake(told, field="FILE")
        is_told = self._how.encoding != Csv().encoding
        return self._how if is_told else msgspec.structs.replace(self._how, encoding="utf-16")

    def _parquet(self, after: int) -> Iterator[Record]:
        command = [sys.executable, "-m", "pipeline.cli.imports.parquet", str(self._file)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as reading:
            assert reading.stdout is not None and reading.stderr is not None  # noqa: PT018
            try:
                yield from (record for record in lines(reading.stdout) if record.line > after)
                said = reading.stderr.read().decode(errors="replace").strip()
                code = reading.wait()  # a reader that is killed, for its memory, says nothing
            finally:
                reading.kill()
        if said or code:
            words = said.splitlines()[-1][:300] if said else f"its reader ended with {code} before the file did"
            raise UserMistake(f"{self._file} cannot be read as Parquet: {words}", field="FILE")


def lines(stream: IO[bytes], before: int = 0, *, exact: bool = False) -> Iterator[Record]:
    """Lines without space around them, where `exact` without their ends only.

    Empty ones are left out, and those that no request can hold are not read.
    """
    number = before
    while line := stream.readline(MOST_LINE + 1):
        number += 1
        if number == 1:
            line = line.removeprefix(UTF_8)
        if len(line) > MOST_LINE and not line.endswith(b"\n"):
            while (more := stream.readline(CHUNK)) and not more.endswith(b"\n"):
                pass
            yield Record(number, None, f"the line has more than {MOST_LINE:,} bytes")
        elif stripped := line.rstrip(b"\r\n") if exact else line.strip():
            yield Record(number, stripped)


def rows(stream: IO[bytes], how: Csv) -> Iterator[Record]:
    """Rows by the names of their columns, without empty cells.

    Where the names have no comma between them but semicolons or tabs, as in Excel of many countries, so have the rows.
    """
    try:
        text = io.TextIOWrapper(cast(Any, stream), encoding=how.encoding, newline="")
    except LookupError as error:
        raise UserMistake(f"there is no encoding {how.encoding!r}", field="csv.encoding") from error
    try:
        for _ in range(how.skip):
            text.readline(MOST_LINE)
        row_text: list[str] = []  # the lines of the row that is read
        before, delimiter = how.skip, how.delimiter
        reader = csv.reader(_kept(text, row_text), delimiter=delimiter)
        names = list(how.columns) or next(reader, [])
        if len(names) == 1 and not how.columns and delimiter == Csv().delimiter:
            delimiter = next((one for one in (";", "\t") if one in names[0]), delimiter)
            before, names = before + reader.line_num, next(csv.reader(row_text, delimiter=delimiter), [])
            reader = csv.reader(_kept(text, row_text), delimiter=delimiter)
        names = [name.lstrip("\ufeff").strip() for name in names]
        while True:
            line = before + reader.line_num + 1
            row_text.clear()
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Record(line, None, f"the row cannot be read: {error}")
                continue
            if _may_be_open(row_text) and _is_open(row_text, delimiter):
                below = f", in which the {len(row_text) - 1} lines below lie too" if len(row_text) > 1 else ""
                yield Record(line, None, f"a cell is not closed{below}")
            elif len(row) > len(names):
                yield Record(line, None, f"the row has {len(row)} cells, and there are {len(names)} columns")
            elif cells := {name: cell for name, cell in zip(names, row, strict=False) if cell.strip()}:
                yield Record(line, cells)
    except UnicodeError as error:
        raise UserMistake(f"the file is not in {how.encoding}: {error}", field="csv.encoding") from error
    except TypeError as error:
        raise UserMistake(f"{how.delimiter!r} is no delimiter: it is one character", field="csv.delimiter") from error
    finally:
        text.detach()


def _kept(text: io.TextIOWrapper, kept: list[str]) -> Iterator[str]:
    while line := _bounded(text):
        kept.append(line)
        yield line


def _may_be_open(lines_of_row: list[str]) -> bool:
    """Of several lines, or of one with an odd number of quotes: the last row of a file may be open on its own line."""
    return len(lines_of_row) > 1 or bool(lines_of_row and lines_of_row[0].count('"') % 2)


def _is_open(lines_of_row: list[str], delimiter: str) -> bool:
    """The file ends within a cell: the reader gives what it has, and only a strict one says so."""
    try:
        list(csv.reader(lines_of_row, delimiter=delimiter, strict=True))
    except csv.Error as error:
        return "unexpected end of data" in str(error)
    return False


def _bounded(text: io.TextIOWrapper) -> str:
    line = text.readline(MOST_LINE)
    if len(line) == MOST_LINE:
        raise UserMistake(f"a line has more than {MOST_LINE:,} characters; is it CSV?", field="FILE")
    return line


def objects(stream: IO[bytes]) -> Iterator[Record]:
    """The objects of a JSON array, or objects one after another, each as its bytes."""
    data, at, start, depth, number, is_text = b"", 0, -1, 0, 0, False
    while chunk := stream.read(CHUNK):
        kept = data[start:] if start >= 0 else b""
        at -= len(data) - len(kept)
        data, start = kept + chunk, 0 if start >= 0 else -1
        while (found := (_QUOTED if is_text else _BARE).search(data, at)) is not None:
            mark, at = found[0], found.end()
            if mark == b"\\":
                at += 1  # what is escaped ends no text; it may lie in the next chunk
            elif mark == b'"':
                is_text = not is_text
            elif mark == b"{":
                start = found.start() if depth == 0 else start
                depth += 1
            elif depth:
                depth -= 1
                if depth == 0:
                    number += 1
                    yield Record(number, data[start:at])
                    start = -1
        at = max(at, len(data))
        if start >= 0 and len(data) - start > MOST_LINE:
            raise UserMistake(f"object {number + 1} has more than {MOST_LINE:,} bytes", field="FILE")
    if depth or is_text:
        raise UserMistake(f"the file ends in the middle of object {number + 1}", field="FILE")
