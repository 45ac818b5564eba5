"""What each record of a file becomes: an event as it is, by a mapping, or by the format of another tracker."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from pipeline.cli.imports.files import Form, Record
from pipeline.ingest.exports.export import Event, Export
from pipeline.ingest.mapping.mapping import Csv, EventMapping


class _Typed(msgspec.Struct):
    type: str = ""


_type_of = msgspec.json.Decoder(_Typed).decode


class Planned(NamedTuple):
    """A record's events; where there are none for a fault of the record, the reason and words for it."""

    line: int
    events: tuple[bytes, ...] = ()
    reason: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """How files are read; `mark` is the same for the same plan."""

    form: Form
    export: Export | None = None
    mapping: EventMapping | None = None
    only: frozenset[str] = frozenset()  # types of events
    csv: Csv = Csv()
    mark: str = ""

    @property
    def is_raw(self) -> bool:
        """Records are events already."""
        return self.export is None and self.mapping is None and self.form not in ("csv", "text")

    def planned(self, record: Record) -> Planned:
        value = record.value
        if value is None:
            reason = "too_large" if "bytes" in record.words else "unreadable"
            return Planned(record.line, reason=reason, words=record.words)
        if self.is_raw:
            raw = value if isinstance(value, bytes) else msgspec.json.encode(value)
            return Planned(record.line, (raw,) if not self.only or self._is_asked(raw) else ())
        if isinstance(value, bytes):
            return self._decoded(record.line, value)
        return self._mapped(record.line, value)

    def _decoded(self, line: int, value: bytes) -> Planned:
        if self.form == "text":
            return self._mapped(line, value.decode("utf-8", "replace"))
        try:
            return self._mapped(line, msgspec.json.decode(value))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return Planned(line, reason="malformed_json", words=str(error))

    def _mapped(self, line: int, value: Any) -> Planned:
        events: Iterable[Event] | None
        if self.export is not None:
            events = self.export.events(value)
            words = f"not a record of {self.export.title}"
        else:
            assert self.mapping is not None
            events, unmapped = self.mapping.events(value)
            words = "no [[event]] of the mapping holds for it"
            if unmapped and not events:
                events = None
        if events is None:
            return Planned(line, reason="unmapped", words=words)
        kept = [each for each in events if not self.only or each.get("type") in self.only]
        return Planned(line, tuple(map(_encoded, kept)))

    def _is_asked(self, raw: bytes) -> bool:
        try:
            return _type_of(raw).type in self.only
        except msgspec.DecodeError:
            return True


def _encoded(event: Event) -> bytes:
    try:
        return msgspec.json.encode(event)
    except (OverflowError, ValueError):  # a number beyond 64 bits
        return msgspec.json.encode(_with_texts(event))


def _with_texts(value: Any) -> Any:
    """Numbers that no JSON of ours can hold as texts."""
    if isinstance(value, dict):
        return {name: _with_texts(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_with_texts(each) for each in value]
    is_odd = isinstance(value, int) and not -(1 << 63) <= value < 1 << 64
    return str(value) if is_odd else value
