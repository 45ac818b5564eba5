from typing import Any

import pytest

from pipeline.domain.identifiers import Kind, identifier
from schemas.definitions import Goal, SessionOptions
from tests import story as words
from tests.api.query.conftest import House, replaced
from tests.story import DAY_ZERO, device, story

ANN = """
    phone   09:00     page /home acquisition=email title=Home
    phone   09:05     mail ann@example.org
    tablet  +1 09:00  page /shop
    tablet  +1 09:10  login ann email=ann@example.org user_id=ann plan=gold city_name=Ulm
    tablet  +1 09:20  track Paid value_micros=5000000 order=17
    tablet  +1 09:30  login ann plan=silver
    other   09:00     page /home
"""


async def get(house: House, path: str, status: int = 200, **query: Any) -> dict[str, Any]:
    answer = await house.client.get(f"/api/v1/projects/{house.name}/customers{path}", params=query)
    assert answer.status_code == status, answer.text
    return dict(answer.json())


def hexadecimal(number: int) -> str:
    return f"{number:016x}"


async def test_a_profile_tells_who_a_customer_is_and_what_he_amounts_to(house: House) -> None:
    house.tell(ANN, goals=[Goal("sale", ("Paid",))])
    profile = await get(house, "/user:ann")
    assert profile["id"] == hexadecimal(words.user("ann"))
    assert (profile["asked"], profile["kind"], profile["stage"]) == ("user:ann", "user", "lapsed")
    assert {(one["id"], one["kind"]) for one in profile["identifiers"]} == {
        (hexadecimal(words.user("ann")), "user"),
        (hexadecimal(words.email("ann@example.org")), "email"),
        (hexadecimal(device("phone")), "device"),
        (hexadecimal(device("tablet")), "device"),
    }
    assert profile["traits"] == {"plan": "silver", "city_name": "Ulm"}
    assert profile["user_ids"] == ["ann"]
    assert (profile["events"], profile["sessions"], profile["views"], profile["conversions"]) == (6, 2, 2, 1)
    assert profile["value_micros"] == 5_000_000
    assert profile["first_at"] == DAY_ZERO + 9 * 3_600_000
    assert [(one["path"], one["state"]) for one in profile["journeys"]] == [(["email", "direct"], "converted")]


async def test_a_purchase_outside_of_sessions_counts_in_the_profile_too(house: House) -> None:
    later = "tablet  +1 15:00  track Paid value_micros=2000000 is_passive=yes"
    house.tell(
        f"{ANN}\n{later}\ntablet  +1 15:01  track Paid value_micros=1000000 currency=USD is_passive=yes",
        goals=[Goal("sale", ("Paid",))],
    )
    profile = await get(house, "/user:ann")
    assert (profile["sessions"], profile["conversions"], profile["value_micros"]) == (2, 3, 7_000_000)


async def test_the_timeline_is_newest_first_with_properties_and_sessions(house: House) -> None:
    house.tell(ANN)
    timeline = (await get(house, "/user:ann"))["timeline"]
    assert [one["event"] for one in timeline] == ["identify", "Paid", "identify", "page", "identify", "page"]
    paid, first = timeline[1], timeline[-1]
    assert paid["properties"] == {"order": 17}
    assert paid["value_micros"] == 5_000_000
    assert (first["path"], first["title"], first["acquisition"]) == ("/home", "Home", "email")
    assert paid["session"] == timeline[3]["session"] != first["session"]


async def test_the_timeline_is_read_page_by_page_without_a_gap_or_an_overlap(house: House) -> None:
    house.tell("\n".join(f"ann  09:00  page /{number} user=ann" for number in range(7)))
    whole = await get(house, "/user:ann")
    assert whole["next"] is None
    pages: list[Any] = []
    before = None
    for _ in range(4):
        page = await get(house, "/user:ann", limit=2, **({"before": before} if before else {}))
        pages += page["timeline"]
        before = page["next"]
    assert before is None
    assert pages == whole["timeline"]
    assert len(pages) == 7


async def test_the_timeline_is_read_on_behind_1970(house: House) -> None:
    events = story("\n".join(f"ann  09:00  page /{number} user=ann" for number in range(3)))
    house.tell([replaced(event, occurred_at=-1_000 * number) for number, event in enumerate(events)])
    first = await get(house, "/user:ann", limit=2)
    second = await get(house, "/user:ann", limit=2, before=first["next"])
    assert [one["at"] for one in (*first["timeline"], *second["timeline"])] == [0, -1_000, -2_000]
    assert second["next"] is None


async def test_of_sessions_that_interleave_the_timeline_names_the_events_own(house: House) -> None:
    house.tell(
        """
        laptop  09:00  page /one  user=ann sender_session=1
        laptop  09:01  page /two  sender_session=2
        laptop  09:02  page /one  sender_session=1
        laptop  09:03  page /two  sender_session=2
        """,
        project=house.project(sessions=SessionOptions(sender_sessions=True)),
    )
    timeline = (await get(house, "/user:ann"))["timeline"]
    named = {path: {one["session"] for one in timeline if one["path"] == path} for path in ("/one", "/two")}
    assert [len(sessions) for sessions in named.values()] == [1, 1]
    assert None not in named["/one"] | named["/two"]
    assert named["/one"] != named["/two"]


async def test_of_sessions_that_begin_in_one_millisecond_the_timeline_names_the_one_that_goes_on(house: House) -> None:
    house.tell(
        "".join(
            f"d{number}  09:00  page /a user=u{number}\nd{number}  09:00  page /b new_session=yes sequence=1\n"
            f"d{number}  09:01  track Added\n"
            for number in range(8)
        )
    )
    for number in range(8):
        timeline = (await get(house, f"/user:u{number}"))["timeline"]
        assert timeline[0]["event"] == "Added"
        assert timeline[0]["session"] is not None


async def test_what_happens_on_another_channel_during_a_session_is_not_of_it(house: House) -> None:
    house.tell("""
        phone  09:00  page /home user=ann
        phone  09:01  track Delivered channel=email
        phone  09:02  page /shoes
    """)
    shoes, delivered, home = (await get(house, "/user:ann"))["timeline"]
    assert shoes["session"] == home["session"] is not None
    assert delivered["session"] is None


@pytest.mark.parametrize("old", ["email", "device"])
async def test_an_old_id_answers_with_the_new_one(house: House, old: str) -> None:
    house.tell(ANN)
    asked = hexadecimal(words.email("ann@example.org") if old == "email" else device("phone"))
    profile = await get(house, f"/{asked}")
    assert (profile["id"], profile["asked"]) == (hexadecimal(words.user("ann")), asked)


async def test_an_anonymous_device_is_a_customer_of_its_own(house: House) -> None:
    house.tell(ANN)
    profile = await get(house, f"/{hexadecimal(device('other'))}")
    assert (profile["kind"], profile["events"], profile["stage"]) == ("device", 1, "visitor")
    assert [one["kind"] for one in profile["identifiers"]] == ["device"]


async def test_of_a_shared_device_each_owner_has_his_own_part(house: House) -> None:
    house.tell("""
        tablet  09:00  page /before
        tablet  09:01  login ann
        tablet  12:00  login bob
        tablet  12:01  page /after
    """)
    assert [one["path"] for one in (await get(house, "/user:ann"))["timeline"]] == ["", "/before"]
    assert [one["path"] for one in (await get(house, "/user:bob"))["timeline"]] == ["/after", ""]
    assert (await get(house, "/user:bob"))["events"] == 2


async def test_a_tablet_that_changes_hands_thousands_of_times_hides_none_of_a_customers_events(house: House) -> None:
    ann, bob = story("tablet  09:00  login ann\ntablet  09:00  login bob")
    house.tell([
        replaced((ann, bob)[number % 2], message_id=number + 1, occurred_at=DAY_ZERO + 1_000 * number)
        for number in range(4_400)
    ])  # fmt: skip
    profile = await get(house, "/user:ann", limit=1)
    newest = DAY_ZERO + 4_398_000
    assert (profile["events"], profile["last_at"], profile["timeline"][0]["at"]) == (2_200, newest, newest)
    assert profile["sessions"] == 2_200
    graph = await get(house, "/user:ann/identity")
    assert (graph["is_whole"], len(graph["edges"])) == (False, 1_000)


async def test_a_customer_is_found_by_user_id_or_by_email(house: House) -> None:
    house.tell(ANN)
    ann = {"id": hexadecimal(words.user("ann")), "kind": "user"}
    assert (await get(house, "", user_id="ann"))["customers"] == [ann]
    assert (await get(house, "", email="Ann@Example.org"))["customers"] == [ann]
    assert (await get(house, "", user_id="nobody"))["customers"] == []
    assert (await get(house, "", user_id="null"))["customers"] == []


@pytest.mark.parametrize(
    ("path", "query", "status", "field"),
    [
        ("/user:nobody", {}, 404, None),
        ("/user:null", {}, 404, None),
        ("/00000000000000ff", {}, 404, None),
        ("/ff", {}, 422, "id"),
        ("/user:ann", {"before": "yesterday"}, 422, "before"),
        ("/user:ann", {"limit": 0}, 422, "limit"),
        ("", {}, 422, "user_id"),
        ("", {"user_id": "a", "email": "a@b.c"}, 422, "user_id"),
        ("", {"email": "ann"}, 422, "email"),
    ],
)
async def test_what_is_no_customer_is_told(house: House, path: str, query: Any, status: int, field: str | None) -> None:
    error = (await get(house, path, status, **query))["error"]
    assert error.get("field") == field


async def test_an_id_of_another_project_leads_nowhere(house: House) -> None:
    house.tell(ANN)
    elsewhere = identifier("elsewhere", Kind.user, "ann")
    await get(house, f"/{hexadecimal(elsewhere)}", status=404)
