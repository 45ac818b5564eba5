"""A file of two years in random order: rows of more than a hundred weeks come in one block."""

import json
from pathlib import Path
from random import Random

from tests.scenarios.house import House

DAY, GAP = 86_400_000, 30 * 60_000
BEGIN = 1_640_995_200_000  # 2022-01-01
EVENTS, DEVICES = 6_000, 60


def test_two_years_in_random_order_are_imported_whole(house: House, tmp_path: Path) -> None:
    random = Random(7)
    times = [(random.randrange(DEVICES), BEGIN + random.randrange(730 * DAY)) for _ in range(EVENTS // 3)]
    # each third event followed by two more of its visit, the last sometimes one after the gap
    times += [(device, at + 60_000) for device, at in times] + [
        (device, at + random.choice((GAP, 61_000 + GAP))) for device, at in times
    ]
    file = tmp_path / "two_years.ndjson"
    file.write_text("".join(line(number, *each) for number, each in enumerate(random.sample(times, len(times)))))
    weeks = {(at // DAY + 3) // 7 for _, at in times}
    assert len(weeks) > 100

    project = house.project()
    report = project.import_file(file)
    assert (report["accepted"], report["rejected"], report["duplicates"]) == (EVENTS, {}, 0)
    total = project.ask("sessions")["total"]
    assert (total["events"], total["sessions"]) == (EVENTS, visits(times))
    by_week = project.ask("trend", events=["Seen"], by="week", **{"from": "2021-12-27", "to": "2024-01-08"})
    assert sum(point["events"] > 0 for point in by_week["points"]) == len(weeks)
    assert by_week["events"] == EVENTS
    proof = project.proof()
    assert (proof["events"], proof["differences"]) == (EVENTS, 0), proof["examples"][:3]


def line(number: int, device: int, at: int) -> str:
    event = {"type": "track", "event": "Seen", "messageId": f"y{number}", "anonymousId": f"d{device}", "timestamp": at}
    return json.dumps(event) + "\n"


def visits(times: list[tuple[int, int]]) -> int:
    """Sessions by the rule's own words: a gap of more than 30 minutes begins another; none here lasts a day."""
    count = 0
    last: dict[int, int] = {}
    for device, at in sorted(times):
        count += device not in last or at - last[device] > GAP
        last[device] = at
    return count
