"""The table in a file that a network has exported: its encoding, its delimiter, and the line of its columns' names.

Exports begin with lines of title and dates, are UTF-8 or UTF-16, and have commas, tabs or semicolons between cells.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from pipeline.errors import UserMistake
from pipeline.ingest.costs.networks import NETWORKS, Columns, columns_of

MOST_BYTES: Final = 200_000_000
MOST_BEFORE: Final = 40  # lines before the columns' names
DELIMITERS: Final = (",", "\t", ";")


class Table(NamedTuple):
    columns: Columns
    rows: Iterator[tuple[int, Sequence[str]]]  # with the numbers of their lines


def table_of(file: Path, network: str = "") -> Table:
    """Raises UserMistake where the file has no table of a network, or not of the one asked for."""
    text = _text(file)
    for delimiter in DELIMITERS:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        try:
            for row in reader:
                if found := columns_of(row, network):
                    return Table(found, _rows(reader, file))
                if reader.line_num > MOST_BEFORE:
                    break
        except csv.Error:
            continue
    wanted = NETWORKS[network].title if network else "any network"
    needed = "; ".join(f"{each.title}: {_names(each.name)}" for each in NETWORKS.values() if network in ("", each.name))
    raise UserMistake(f"{file} has no columns of an export of {wanted}. Needed are {needed}", field="FILE")


def _names(network: str) -> str:
    columns = NETWORKS[network].columns
    return ", ".join(columns[field][0] for field in ("day", "campaign", "cost"))


def _rows(reader: Iterator[list[str]], file: Path) -> Iterator[tuple[int, Sequence[str]]]:
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise UserMistake(f"{file} cannot be read to its end: {error}", field="FILE") from error
        yield reader.line_num, row  # type: ignore[attr-defined]


def _text(file: Path) -> str:
    try:
        if file.stat().st_size > MOST_BYTES:
            raise UserMistake(f"{file} is larger than {MOST_BYTES:,} bytes", field="FILE")
        raw = file.read_bytes()
        return raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except OSError as error:
        raise UserMistake(f"{file} cannot be read: {error.strerror}", field="FILE") from error
    except UnicodeDecodeError as error:
        raise UserMistake(f"{file} is neither UTF-8 nor UTF-16", field="FILE") from error
