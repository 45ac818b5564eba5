"""Journeys by length, duration, channels and sequences, against counting by hand; and who is behind each number."""

from collections import Counter, defaultdict
from itertools import groupby
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.query.questions import journey_channels
from schemas.definitions import Goal
from schemas.facts import Journey
from tests.api.query.conftest import House
from tests.api.query.laws import laws
from tests.api.query.test_explain import explain, reasons
from tests.api.query.test_saved import put
from tests.story import story

SALE = Goal("sale", ("Paid",))
SHOP = """
    ann  09:00      page /home acquisition=email
    ann  +1 09:00   page /home acquisition=email
    ann  +2 09:00   page /home acquisition=direct
    ann  +2 09:05   track Paid value_micros=5000000
    ann  +3 09:00   page /home acquisition=direct
    bob  09:00      page /home acquisition=email
    bob  +1 09:00   page /home acquisition=direct
    bob  +1 09:01   track Paid value_micros=2000000
    cleo 09:00      page /home acquisition=direct
"""


async def test_journeys_are_told_by_length_duration_and_channels(house: House) -> None:
    house.tell(SHOP, goals=[SALE])
    result = (await house.ask("journeys"))["result"]
    assert (result["journeys"], result["converted"], result["rate"]) == (4, 2, 0.5)
    assert result["interval"][0] < 0.5 < result["interval"][1]
    assert [(one["touchpoints"], one["journeys"], one["rate"]) for one in result["lengths"]] == [
        (1, 2, 0),
        (2, 1, 1),
        (3, 1, 1),
    ]
    spans = [(one["from_ms"], one["journeys"], one["converted"]) for one in result["durations"] if one["journeys"]]
    assert spans == [(0, 2, 0), (86_400_000, 1, 1), (2 * 86_400_000, 1, 1)]
    assert (result["duration_ms"]["min"], result["duration_ms"]["max"]) == (0, 2 * 86_400_000)
    assert [
        (one["channel"], one["journeys"], one["converted"], one["value_micros"]) for one in result["first_channels"]
    ] == [
        ("direct", 2, 0, 0),
        ("email", 2, 2, 7_000_000),
    ]
    assert [(one["channel"], one["journeys"]) for one in result["last_channels"]] == [("direct", 4)]


async def test_transitions_go_from_any_channel_to_any(house: House) -> None:
    house.tell(SHOP, goals=[SALE])
    result = (await house.ask("journeys"))["result"]
    assert [
        (one["source"], one["target"], one["transitions"], one["journeys"], one["share"])
        for one in result["transitions"]
    ] == [("email", "direct", 2, 2, pytest.approx(2 / 3)), ("email", "email", 1, 1, pytest.approx(1 / 3))]
    folded = (await house.ask("journeys", fold="repeats"))["result"]["transitions"]
    assert [(one["source"], one["target"], one["share"]) for one in folded] == [("email", "direct", 1)]


async def test_a_share_is_of_all_transitions_from_a_channel_those_that_are_not_shown_too(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.tell(SHOP, goals=[SALE])
    monkeypatch.setattr(journey_channels, "MOST_TRANSITIONS", 1)
    (only,) = (await house.ask("journeys"))["result"]["transitions"]
    assert (only["source"], only["target"], only["share"]) == ("email", "direct", pytest.approx(2 / 3))


async def test_the_most_common_sequences_are_told_repeats_folded_by_choice(house: House) -> None:
    house.tell(SHOP, goals=[SALE])
    result = (await house.ask("journeys", limit=2))["result"]
    assert [(one["path"], one["journeys"]) for one in result["sequences"]] == [
        (["direct"], 2),
        (["email", "direct"], 1),
    ]
    assert result["sequences_left_out"] == 1
    result = (await house.ask("journeys", fold="repeats"))["result"]
    assert [(one["path"], one["journeys"], one["converted"]) for one in result["sequences"]] == [
        (["direct"], 2, 0),
        (["email", "direct"], 2, 2),
    ]


async def test_of_no_journeys_nothing_is_told(house: House) -> None:
    result = (await house.ask("journeys"))["result"]
    assert (result["rate"], result["interval"], result["duration_ms"], result["sequences_left_out"]) == (
        *(None, None, None, 0),
    )
    assert (result["durations"], result["transitions"], result["first_channels"]) == ([], [], [])


async def test_a_customers_touchpoints_are_marked_by_their_place(house: House) -> None:
    house.tell(
        """
        ann  09:00      page /home acquisition=email user=ann
        ann  09:05      track Read
        -    +1 09:00   opened mail user=ann
        ann  +2 09:00   page /home acquisition=direct
        ann  +2 09:05   track Paid
        ann  +2 09:30   page /thanks
        """,
        goals=[SALE],
    )
    found = await explain(house, "journeys", {}, cell={"state": "converted"}, customer="user:ann")
    assert found["counted"] == "journeys"
    assert reasons(found) == [
        ("page", ["touchpoint 1 of 3: email"]),
        ("Read", ["touchpoint 1 of 3: email"]),
        ("email opened", ["touchpoint 2 of 3: email"]),
        ("page", ["touchpoint 3 of 3: direct"]),
        ("Paid", ["touchpoint 3 of 3: direct"]),
        ("page", ["touchpoint 3 of 3: direct"]),
    ]


async def test_journeys_may_be_those_of_a_segment_alone(house: House) -> None:
    house.tell(SHOP, goals=[SALE])
    await put(house, "segments/buyers", {"conditions": [{"kind": "did", "events": "Paid"}]})
    answer = await house.ask("journeys", segments=["buyers"])
    assert answer["result"]["journeys"] == 3
    assert answer["definitions"]["segment.buyers"] == 1
    assert (await explain(house, "journeys", {"segments": ["buyers"]}))["count"] == 3


@pytest.mark.parametrize(
    ("question", "field", "hint"),
    [
        ({"fold": "loops"}, "fold", "'repeats'"),
        ({"limit": 0}, "limit", "greater than or equal to 1"),
        ({"segments": "buyers"}, "segments", "list"),
        ({"sequences": 3}, "sequences", "no field here"),
    ],
)
async def test_a_question_that_is_wrong_is_refused(house: House, question: Any, field: str, hint: str) -> None:
    error = await house.refused("journeys", question)
    assert error["field"] == field
    assert hint in error["message"]


@pytest.mark.parametrize(
    ("cell", "field"),
    [
        ({"source": "email"}, "cell.target"),
        ({"target": "email"}, "cell.source"),
        ({"from_ms": 3}, "cell.from_ms"),
        ({"touchpoints": 11}, "cell.touchpoints"),
        ({"state": "opened"}, "cell.state"),
        ({"path": "email"}, "cell.path"),
    ],
)
async def test_a_cell_that_there_is_none_of_is_refused(house: House, cell: dict[str, Any], field: str) -> None:
    path = f"/api/v1/projects/{house.name}/questions/journeys/explain"
    answer = await house.client.post(path, json={"question": {}, "cell": cell})
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)


visits = st.lists(
    st.tuples(
        st.sampled_from(["p1", "p2", "p3"]),
        st.integers(0, 80),
        st.sampled_from(["email", "direct", "referral"]),
        st.booleans(),
    ),
    max_size=14,
    unique_by=lambda each: each[:2],
)


@laws(4)
@given(visits, st.sampled_from(["none", "repeats"]), st.integers(1, 4))
async def test_numbers_are_those_of_counting_by_hand_and_each_can_be_explained(
    house: House, happened: list[tuple[str, int, str, bool]], fold: str, limit: int
) -> None:
    house.renew()
    lines = []
    for who, day, channel, pays in happened:
        lines.append(f"{who} +{day} 09:00 page / acquisition={channel}")
        lines += [f"{who} +{day} 09:01 track Paid value_micros=1000000"] if pays else []
    house.tell(story("\n".join(lines), house.name), goals=[SALE])
    every: list[Journey] = house.told.journeys
    asked: dict[str, Any] = {"fold": fold, "limit": limit}
    result = (await house.ask("journeys", asked))["result"]

    def way(one: Journey) -> tuple[str, ...]:
        return tuple(name for name, _ in groupby(one.path)) if fold == "repeats" else tuple(one.path)

    counted = Counter(map(way, every))
    ranked = sorted(counted.items(), key=lambda each: (-each[1], each[0]))
    assert [(tuple(one["path"]), one["journeys"]) for one in result["sequences"]] == ranked[:limit]
    assert result["sequences_left_out"] == len(ranked[limit:])
    steps: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for number, one in enumerate(every):
        for pair in zip(way(one), way(one)[1:], strict=False):
            steps[pair].append(number)
    assert {(one["source"], one["target"]): (one["transitions"], one["journeys"]) for one in result["transitions"]} == {
        pair: (len(found), len(set(found))) for pair, found in steps.items()
    }
    durations = sorted(one.last_at - one.started_at for one in every)
    if durations:
        told = result["duration_ms"]
        assert [told[f"p{share}"] for share in (10, 25, 50, 75, 90, 95, 99)] == [
            durations[len(durations) * share // 100] for share in (10, 25, 50, 75, 90, 95, 99)
        ]
        assert told["mean"] == pytest.approx(sum(durations) / len(durations), abs=1)
    for part, cell in {
        "counts": ("state", "stage"), "lengths": ("touchpoints",), "durations": ("from_ms",),
        "transitions": ("source", "target"), "sequences": ("path",),
    }.items():  # fmt: skip
        for row in result[part][:2]:
            found = await explain(house, "journeys", asked, cell={name: row[name] for name in cell})
            assert found["count"] == row["journeys"]
    for place in ("first", "last"):
        for row in result[f"{place}_channels"][:2]:
            assert row["journeys"] == sum(getattr(one, f"{place}_channel") == row["channel"] for one in every)
            found = await explain(house, "journeys", asked, cell={f"{place}_channel": row["channel"]})
            assert found["count"] == row["journeys"]
