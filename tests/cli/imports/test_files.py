"""Records of files, one by one: lines, rows, objects; broken ones are named, long ones are not read."""

import bz2
import gzip
import io
import json
import lzma
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.cli.imports import checkpoint, files
from pipeline.cli.imports.checkpoint import Done
from pipeline.cli.imports.files import Reading, Record, form_of, lines, objects, rows
from pipeline.cli.imports.judging import Judge, named
from pipeline.cli.imports.plan import Plan, Planned
from pipeline.cli.imports.sending import batches, sent
from pipeline.errors import UserMistake
from pipeline.ingest.mapping.mapping import Csv, mapping
from schemas.definitions import Project


def zstd(told: bytes) -> bytes:
    packed = io.BytesIO()
    with files.ZstdFile(packed, "w") as packing:
        packing.write(told)
    return packed.getvalue()


def test_lines_are_numbered_and_empty_ones_left_out() -> None:
    assert list(lines(io.BytesIO(b"a\n\n  b \nc"))) == [Record(1, b"a"), Record(3, b"b"), Record(4, b"c")]
    assert list(lines(io.BytesIO(b"\tb \r\n"), exact=True)) == [Record(1, b"\tb ")]


def test_a_line_that_no_request_can_hold_is_named_and_its_neighbours_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_LINE", 10)
    monkeypatch.setattr(files, "CHUNK", 4)
    found = list(lines(io.BytesIO(b"a\n" + b"x" * 100 + b"\nb\n")))
    assert [(each.line, each.value) for each in found] == [(1, b"a"), (2, None), (3, b"b")]
    assert "more than 10 bytes" in found[1].words


def test_rows_have_the_names_of_their_columns_and_the_lines_where_they_begin() -> None:
    told = 'who; note\nann;"two\nlines"\n;\nbob;\nx;y;z\ncid;"a ""b"""\n'.encode("utf-8-sig")
    found = list(rows(io.BytesIO(told), Csv(delimiter=";")))
    assert [(each.line, each.value) for each in found] == [
        (2, {"who": "ann", "note": "two\nlines"}), (5, {"who": "bob"}), (6, None), (7, {"who": "cid", "note": 'a "b"'}),
    ]  # fmt: skip


def test_a_cell_that_is_not_closed_is_told_with_the_line_where_its_row_begins() -> None:
    told = b'a,b\n1,"x\ny"\n2,5" pipe\n3,"open\n4,z\n'
    assert [(each.line, each.value) for each in rows(io.BytesIO(told), Csv())] == [
        (2, {"a": "1", "b": "x\ny"}), (4, {"a": "2", "b": '5" pipe'}), (5, None),
    ]  # fmt: skip


@pytest.mark.parametrize(("last", "is_open"), [('2;"x;y', True), ('2;"x;y\r\n', True), ('2;5" pipe;y', False)])
def test_the_last_row_of_a_file_may_be_open_on_its_own_line(last: str, is_open: bool) -> None:
    found = list(rows(io.BytesIO(f"a;b;c\r\n1;2;3\r\n{last}".encode()), Csv()))
    assert [bool(each.words) for each in found] == [False, is_open]


def test_lines_before_the_head_are_skipped_and_columns_may_be_named() -> None:
    told = "Report\nMay 2024\nday,cost\n2024-05-01,3\n"
    assert [each.value for each in rows(io.BytesIO(told.encode("utf-16")), Csv(encoding="utf-16", skip=2))] == [
        {"day": "2024-05-01", "cost": "3"}
    ]
    assert [each.value for each in rows(io.BytesIO(b"a,b\n"), Csv(columns=("x", "y")))] == [{"x": "a", "y": "b"}]


@pytest.mark.parametrize("how", [Csv(encoding="klingon"), Csv(delimiter="::"), Csv(encoding="ascii")])
def test_a_wrong_word_about_a_csv_file_is_the_users_mistake(how: Csv) -> None:
    with pytest.raises(UserMistake):
        list(rows(io.BytesIO("a,b\nü,ö\n".encode()), how))


OBJECTS = st.lists(
    st.dictionaries(st.text(max_size=4), st.text(max_size=6) | st.lists(st.text(max_size=3), max_size=2), max_size=3),
    max_size=5,
)


@settings(max_examples=60)
@given(OBJECTS, st.booleans(), st.integers(1, 7))
def test_objects_are_found_wherever_chunks_end(told: list[dict[str, object]], is_ascii: bool, size: int) -> None:
    whole = json.dumps(told, ensure_ascii=is_ascii).encode()
    stream = io.BytesIO(whole)
    stream.read = lambda n=-1, read=stream.read: read(size)  # type: ignore[method-assign,misc,assignment]
    assert [json.loads(bytes(each.value or b"")) for each in objects(stream)] == told  # type: ignore[arg-type]


@pytest.mark.parametrize("told", [b'[{"a": 1', b'[{"a": "b}]', b'{"a": {"b": 1}'])
def test_an_array_that_is_cut_short_is_told_so(told: bytes) -> None:
    with pytest.raises(UserMistake, match="object 1"):
        list(objects(io.BytesIO(told)))


@pytest.mark.parametrize(("name", "form"), [
    ("a.ndjson", "ndjson"), ("a.json.gz", "ndjson"), ("a.CSV", "csv"), ("a.tsv.gz", "csv"),
    ("a.parquet", "parquet"), ("a", "ndjson"), ("a.csv.zst", "csv"), ("a.jsonl.bz2", "ndjson"), ("a.tsv.xz", "csv"),
])  # fmt: skip
def test_the_form_of_a_file_is_told_by_its_name(name: str, form: str) -> None:
    assert form_of(Path(name)) == form


def test_reading_goes_on_behind_a_line_with_or_without_a_place_to_seek(tmp_path: Path) -> None:
    file = tmp_path / "a.ndjson"
    file.write_bytes(b"1\n2\n3\n4\n")
    with Reading(file, "ndjson") as reading:
        found = reading.records()
        assert [next(found).line, next(found).line] == [1, 2]
        position = reading.position
    assert position == 4
    with Reading(file, "ndjson") as reading:
        assert list(reading.records(2, position)) == [Record(3, b"3"), Record(4, b"4")]
    with Reading(file, "csv", Csv(columns=("n",))) as reading:
        assert [each.value for each in reading.records(2)] == [{"n": "3"}, {"n": "4"}]


def told_by(file: Path, form: files.Form, how: Csv | None = None) -> list[object]:
    with Reading(file, form, how) as reading:
        return [each.value for each in reading.records()]


@pytest.mark.parametrize("is_packed", [False, True])
def test_the_mark_before_a_text_is_no_part_of_it(tmp_path: Path, is_packed: bool) -> None:
    def written(told: bytes) -> Path:
        (tmp_path / "a").write_bytes(gzip.compress(told) if is_packed else told)
        return tmp_path / "a"

    marked = '\ufeff{"a": 1}\n{"b": "ü"}\n'
    assert told_by(written(marked.encode()), "ndjson") == [b'{"a": 1}', '{"b": "ü"}'.encode()]
    assert told_by(written("\ufeff1.2.3.4 -".encode()), "text") == [b"1.2.3.4 -"]
    told = Csv().encoding
    for encoding, how in (("utf-8", told), ("utf-8", "utf-8"), ("utf-16-le", told), ("utf-16-be", told)):
        rows = written("\ufeffa,b\r\n1,ü\r\n".encode(encoding))
        assert told_by(rows, "csv", Csv(encoding=how)) == [{"a": "1", "b": "ü"}]
    with pytest.raises(UserMistake, match="UTF-16"):
        told_by(written(marked.encode("utf-16")), "ndjson")


@pytest.mark.parametrize("pack", [gzip.compress, zstd, lzma.compress, bz2.compress])
def test_a_file_is_read_however_it_is_packed_and_one_that_is_cut_short_is_told_so(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    file, told = tmp_path / "a.ndjson", b"".join(b'{"a": %d}\n' % each for each in range(1000))
    file.write_bytes(pack(told) + pack(b"{}\n"))  # two parts, as what is appended makes
    assert told_by(file, "ndjson") == [*told.splitlines(), b"{}"]
    file.write_bytes(pack(b"a;b\n1;2,5\n"))
    assert told_by(file, "csv", Csv(delimiter=";")) == [{"a": "1", "b": "2,5"}]
    for broken in (pack(told)[:-20], pack(told)[:100] + b"\xff" * 50):
        file.write_bytes(broken)
        with pytest.raises(UserMistake, match="to its end"):
            told_by(file, "ndjson")


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_rows_have_the_delimiter_of_the_columns_names(delimiter: str) -> None:
    told = 'a;"b;c";d\n1;"x;\ny";2,5\n\n3;4\n'.replace(";", delimiter)
    found = list(rows(io.BytesIO(told.encode()), Csv()))
    assert found == [
        Record(2, {"a": "1", f"b{delimiter}c": f"x{delimiter}\ny", "d": "2,5"}),
        Record(5, {"a": "3", f"b{delimiter}c": "4"}),
    ]
    one_column = list(rows(io.BytesIO(b"a\n1;2\n"), Csv()))
    assert one_column == [Record(2, {"a": "1;2"})]


def test_a_zip_and_brotli_are_told_so_and_of_nothing_nothing_is_read(tmp_path: Path) -> None:
    file = tmp_path / "a.ndjson"
    file.write_bytes(b"PK\x03\x04\x14\x00")
    with pytest.raises(UserMistake, match="unzip"):
        told_by(file, "ndjson")
    packed = tmp_path / "a.ndjson.br"
    packed.write_bytes(b"\x0b\x02\x80{}\n\x03")
    with pytest.raises(UserMistake, match="brotli -dc"):
        told_by(packed, "ndjson")
    for nothing in (b"", gzip.compress(b""), zstd(b""), b"\n\n", b"\xef\xbb\xbf"):
        file.write_bytes(nothing)
        assert told_by(file, "ndjson") == told_by(file, "csv") == []


def test_rows_of_parquet_are_read_in_their_order_whatever_their_types(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    make = (
        "import chdb, sys; chdb.connect(':memory:').query(f\"INSERT INTO FUNCTION file('{sys.argv[1]}', Parquet) "
        "SELECT number AS n, 'u' AS who, toDateTime64('2024-05-01 10:00:00.5', 3, 'UTC') AS at, "
        "map('a', 1) AS m, unhex('FF41') AS raw, toDate32('2024-05-01') AS day, toDecimal64('12.50', 2) AS price, "
        "[tuple(1, 'x')::Tuple(k UInt8, v String)] AS nested FROM numbers(5)\")"
    )
    subprocess.run([sys.executable, "-c", make, str(file)], check=True, capture_output=True)
    with Reading(file, "parquet") as reading:
        found = [json.loads(bytes(each.value or b"")) for each in reading.records(2)]  # type: ignore[arg-type]
    assert [each["n"] for each in found] == [2, 3, 4]
    assert (found[0]["at"], found[0]["m"]) == ("2024-05-01T10:00:00.500Z", {"a": 1})
    assert (found[0]["raw"], found[0]["day"], found[0]["price"]) == ("\ufffdA", "2024-05-01", 12.5)
    assert found[0]["nested"] == [{"k": 1, "v": "x"}]
    (tmp_path / "b.parquet").write_bytes(b"no parquet")
    with Reading(tmp_path / "b.parquet", "parquet") as reading, pytest.raises(UserMistake, match="Parquet"):
        list(reading.records())


def test_a_reader_of_parquet_that_is_killed_is_no_end_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = tmp_path / "python"
    killed.write_text("#!/bin/sh\necho '{\"n\": 1}'\nkill -9 $$\n")
    killed.chmod(0o755)
    monkeypatch.setattr(files.sys, "executable", str(killed))
    with Reading(killed, "parquet") as reading:
        found = reading.records()
        assert next(found).line == 1
        with pytest.raises(UserMistake, match="ended with -9"):
            next(found)


def test_a_checkpoint_is_of_one_file_plan_and_project(tmp_path: Path) -> None:
    file = tmp_path / "a.ndjson"
    file.write_bytes(b"1\n")
    done = Done(checkpoint.identity_of(file), "plan", "shop", 5, 1, 2)
    assert checkpoint.found(file, "plan", "shop") is None
    assert checkpoint.kept(file, done)
    assert checkpoint.found(file, "plan", "shop") == done
    assert checkpoint.found(file, "other", "shop") is checkpoint.found(file, "plan", "other") is None
    file.write_bytes(b"1\n2\n")
    assert checkpoint.found(file, "plan", "shop") is None
    checkpoint.removed(file)
    assert [each.name for each in tmp_path.iterdir()] == ["a.ndjson"]


async def test_a_batch_that_is_too_large_is_halved_until_the_line_is_named() -> None:
    taken: list[bytes] = []

    async def send(lines: bytes) -> None:
        if len(lines) > 30:
            raise UserMistake("too large", code="payload_too_large")
        taken.append(lines)

    events = [(n, b"x" * (50 if n == 4 else 10)) for n in range(1, 9)]
    assert [each.line for each in await sent(events, send)] == [4]
    assert sum(len(each.split(b"\n")) for each in taken) == 7


async def test_another_refusal_is_raised() -> None:
    async def send(lines: bytes) -> None:
        raise UserMistake("no", code="unknown_project")

    with pytest.raises(UserMistake):
        await sent([(1, b"{}")], send)


def test_batches_have_a_bounded_size() -> None:
    made = list(batches(Planned(n, (b"x" * 1000,)) for n in range(1, 5001)))
    assert [each.line for each in made] == [2000, 4000, 5000]


def test_rejected_lines_are_named_by_the_same_ingest_up_to_as_many_as_were_rejected() -> None:
    good = b'{"type":"page","anonymousId":"a"}'
    told = [good, b"no", b'{"type":"track","anonymousId":"a"}', b"[1]", b"no more"]
    planned = [Planned(number, (each,)) for number, each in enumerate(told, 1)]
    judge = Judge(Project("default"))
    found = named(planned, judge, {"malformed_json": 2, "missing_event": 1, "not_an_object": 1})
    assert [(each.line, each.reason) for each in found] == [
        (2, "malformed_json"), (3, "missing_event"), (4, "not_an_object"), (5, "malformed_json"),
    ]  # fmt: skip
    assert [each.line for each in named(iter(planned), judge, {"malformed_json": 1})] == [2]


def test_records_that_no_rule_maps_and_numbers_beyond_64_bits_are_no_end() -> None:
    plan = Plan("ndjson", mapping=mapping('[[event]]\nwhen = {path = "$.a", set = true}\nevent = "A"\nrest = true'))
    assert plan.planned(Record(1, b'{"b": 1}')).reason == "unmapped"
    assert plan.planned(Record(2, b"{")).reason == "malformed_json"
    assert b'"' in plan.planned(Record(3, b'{"a": 1, "n": 99999999999999999999}')).events[0]
    assert Plan("ndjson", only=frozenset({"page"})).planned(Record(4, b'{"type": "track"}')).events == ()


def test_the_mapping_in_the_docs_makes_calls_of_its_rows() -> None:
    docs = Path(__file__).parents[3] / "docs" / "mappings"
    told = mapping((docs / "calls.toml").read_text())
    with Reading(docs / "calls.csv", "csv", told.csv) as reading:
        made = [told.events(each.value)[0][0] for each in reading.records()]
    assert [each["event"] for each in made] == ["Call Ended", "Call Abandoned", "Call Ended"]
    assert made[0]["properties"] == {
        "Topic": "delivery", "Result": "talked", "direction": "inbound", "duration_s": 210, "waited_s": 35,
        "resolved": True, "cost": 4.2,
    }  # fmt: skip
