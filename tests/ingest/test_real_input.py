"""What real clients and real files hold is accepted. Both folders lie beside the repository; without them: skipped."""

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pipeline.ingest import Ingest
from schemas.facts import EventRow
from tests.ingest.sending import line, sent

SHARED = Path(__file__).resolve().parents[3] / "shared"
DATA, CLIENTS = SHARED / "data", SHARED / "clients"
NOW = 1_795_322_400_000  # after the captures
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"real events are not here: {DATA}")
needs_clients = pytest.mark.skipif(not CLIENTS.is_dir(), reason=f"captured requests are not here: {CLIENTS}")


def rows_of(name: str) -> list[EventRow]:
    with gzip.open(DATA / name / "events.ndjson.gz", "rb") as lines:
        events = [json.loads(text) for text in lines]
    records = [
        b"\n".join(msgspec.json.encode(line(e, NOW, "import")) for e in events[i : i + 50])
        for i in range(0, len(events), 50)
    ]
    ingest = Ingest({})
    rows = [row for offset, record in enumerate(records) for row in ingest.accept_lines(record, 0, 0, offset)]
    assert [row for row in rows if not isinstance(row, EventRow)] == []
    return [row for row in rows if isinstance(row, EventRow)]


@needs_data
@pytest.mark.parametrize(
    ("name", "count", "pages"),
    [("ecom", 31_106, 0), ("access_log", 9_999, 3_877), ("nasa_july", 9_999, 3_558), ("snowplow_web", 160, 50)],
)
def test_every_event_of_a_real_file_is_accepted_at_its_own_time(name: str, count: int, pages: int) -> None:
    rows = rows_of(name)
    assert len(rows) == count
    assert sum(row.event == "page" for row in rows) == pages
    assert {row.time_source for row in rows} == {""}


@needs_data
def test_the_shops_acquisition_is_what_its_campaigns_say() -> None:
    rows = rows_of("ecom")
    assert Counter(row.acquisition for row in rows) == {
        "organic_search": 11_151,
        "paid_search": 8_649,
        "email": 4_992,
        "organic_social": 4_983,
        "direct": 1_331,
    }
    assert Counter(row.channel for row in rows) == {"web": 30_829, "chat": 277}


@needs_data
def test_snowplows_page_pings_are_passive_and_count_ten_seconds() -> None:
    pings = [row for row in rows_of("snowplow_web") if row.event == "page_ping"]
    assert len(pings) == 8
    assert all(row.is_passive and row.engaged_ms == 10_000 for row in pings)


@needs_data
def test_bots_of_a_real_log_are_flagged() -> None:
    rows = rows_of("access_log")
    assert 0 < sum(row.is_bot for row in rows) < len(rows) / 2


def captured() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(CLIENTS.glob("*.json")):
        for name, scenario in json.loads(path.read_text("utf-8"))["scenarios"].items():
            for request in scenario["requests"]:
                body = request["body"]
                if not isinstance(body, dict):
                    continue
                batch = body.get("batch", [body])
                yield from ((f"{path.stem}/{name}", {"sentAt": body.get("sentAt"), **one}) for one in batch)


@needs_clients
def test_every_event_that_a_real_client_sent_is_accepted_but_an_alias_of_an_id_to_itself() -> None:
    events = list(captured())
    assert len(events) > 100
    for where, one in events:
        row = sent(one, received_at=NOW, t=one["sentAt"] or "")
        if one["type"] == "alias" and one["previousId"] == one["userId"]:
            assert getattr(row, "reason", "") == "invalid_alias"
            continue
        assert isinstance(row, EventRow), (where, row)
        assert row.time_source in ("", "clock_skew"), (where, row)
        assert "example.com" not in row.properties, where
