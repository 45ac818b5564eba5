"""Fields find their homes by a plan of a note's names, as they would one by one; names that are private are seen."""

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as some

from api.collect.signs import names_address_or_phone
from api.protocols.homes import PROPERTIES, compiled, housed

TABLE = {
    "id": "messageId", "id2": "messageId", "url": "context.page.url", "href": "context.page.url",
    "title": "context.page.title", "ua": "context.userAgent", "sum": "properties.revenue", "key": "",
}  # fmt: skip
NAMES = some.sampled_from([*TABLE, "revenue", "own", "other"])
HOMES = compiled(TABLE)


def one_by_one(given: dict[str, Any], into: dict[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in given.items() if name not in TABLE}
    for name, value in given.items():
        path = TABLE.get(name, "")
        if not path or value is None or value == "":
            continue
        *way, last = path.split(".")
        place = rest if way == [PROPERTIES] else into
        for step in way if way != [PROPERTIES] else []:
            place = place.setdefault(step, {})
        place.setdefault(last, value)
    return rest


@given(
    some.dictionaries(NAMES, some.one_of(some.none(), some.just(""), some.integers(0, 9), some.text(max_size=3))),
    some.sampled_from([{}, {"messageId": "m"}, {"context": {"page": {"url": "first"}}}]),
)
def test_a_plan_puts_what_one_by_one_is_put(note: dict[str, Any], before: dict[str, Any]) -> None:
    def copy() -> dict[str, Any]:
        return {name: {"page": {**one["page"]}} if isinstance(one, dict) else one for name, one in before.items()}

    expected, into = copy(), copy()
    rest = one_by_one(note, expected)
    for _ in range(2):  # with a plan that is made, and one that is known
        into = copy()
        assert housed(note, HOMES, into) == rest
    assert into == expected


WORDS = some.sampled_from(["ip", "IP", "home_phone2", "IpAddress", "request_ip", "writeKey", "a", "shipping", "name"])
VALUES = some.recursive(
    some.sampled_from((7, "an iPhone (15)", 'of "ip" and "phone"')),
    lambda inner: some.lists(inner, max_size=2) | some.dictionaries(WORDS, inner, max_size=2),
)


def names_in(value: Any) -> Iterator[str]:
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from names_in(inner)
    if isinstance(value, dict):
        yield from value


@given(some.dictionaries(WORDS, VALUES, max_size=3))
def test_what_an_event_names_its_text_names(event: dict[str, Any]) -> None:
    small = [name.lower() for name in names_in(event)]
    told = any(name in ("ip", "request_ip", "writekey") or "phone" in name or "ipaddr" in name for name in small)
    assert names_address_or_phone(json.dumps(event).encode()) == told
