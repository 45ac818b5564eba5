from typing import Any

from tests.api.query.conftest import House

BASKET = """
    tablet  09:00  page /home
    tablet  09:01  track Added color=red price=3 is_gift=true
    tablet  09:02  track Added color=red price=4.5 tags=["a","b"]
    phone   09:03  track Added color=blue
"""


def event(answer: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in answer["result"]["events"] if one["name"] == name)


async def test_the_catalogue_lists_events_with_counts_and_last_time(house: House) -> None:
    house.tell(BASKET)
    answer = await house.ask("catalogue")
    assert [(one["name"], one["type"], one["count"], one["devices"]) for one in answer["result"]["events"]] == [
        ("Added", "track", 3, 2),
        ("page", "page", 1, 1),
    ]
    added = event(answer, "Added")
    assert added["last_at"] - added["first_at"] == 120_000


async def test_the_catalogue_lists_properties_with_types_and_frequent_values(house: House) -> None:
    house.tell(BASKET)
    properties = {one["name"]: one for one in event(await house.ask("catalogue"), "Added")["properties"]}
    assert set(properties) == {"color", "price", "is_gift", "tags"}
    color = properties["color"]
    assert (color["types"], color["share"], color["distinct"]) == (["text"], 1.0, 2)
    assert color["frequent"] == ["red", "blue"]
    assert properties["price"]["types"] == ["number"]
    assert sorted(properties["price"]["frequent"]) == [3, 4.5]
    assert properties["is_gift"]["frequent"] == [True]
    assert properties["tags"]["types"] == ["array"]


async def test_of_equally_frequent_values_the_order_is_always_the_same(house: House) -> None:
    """A live catalogue was sent anew each second, with the same values in another order."""
    colors = ("red", "blue", "green", "white", "black", "pink", "brown", "red")
    house.tell("\n".join(f"ann{at} 09:00:{at:02} track Added color={color}" for at, color in enumerate(colors)))
    properties = {one["name"]: one for one in event(await house.ask("catalogue"), "Added")["properties"]}
    assert properties["color"]["frequent"] == ["red", "black", "blue", "brown", "green", "pink", "white"]
    assert properties["color"]["distinct"] == 7


async def test_a_long_value_of_the_catalogue_is_cut_between_two_letters_whatever_their_bytes(house: House) -> None:
    house.tell(f"tablet 09:00 track Said once={'ä' * 300} moved=x{'✓' * 300}")
    properties = {one["name"]: one for one in event(await house.ask("catalogue"), "Said")["properties"]}
    assert properties["once"]["frequent"] == ['"' + "ä" * 199]
    assert properties["moved"]["frequent"] == ['"x' + "✓" * 198]


async def test_the_catalogue_is_a_get_too(house: House) -> None:
    house.tell(BASKET)
    got = await house.client.get(
        f"/api/v1/projects/{house.name}/catalogue", params={"from": "2023-11-15", "sample": "0"}
    )
    assert got.status_code == 200
    assert [one["name"] for one in got.json()["result"]["events"]] == ["Added", "page"]
    assert got.json()["result"]["events"][0]["properties"] == []


async def test_an_unknown_parameter_of_the_catalogue_is_told_with_the_nearest_known_one(house: House) -> None:
    got = await house.client.get(f"/api/v1/projects/{house.name}/catalogue", params={"sampel": "1"})
    assert got.status_code == 422
    error = got.json()["error"]
    assert error["field"] == "sampel"
    assert "'sample'" in error["message"]
