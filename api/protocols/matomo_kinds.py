"""What a request of Matomo tells of, by the parameters that it has."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from api.webhooks.reading import get, json_of, number
from api.webhooks.vendor import Event

ORDER, CART, GOAL, PING = "Order Completed", "Cart Updated", "Goal", "page_ping"
BECOMES: Final[Mapping[str, str]] = {
    "ping": PING,
    "idgoal=0 and ec_id": ORDER,
    "idgoal=0": CART,
    "idgoal=N": f"{GOAL} N",
    "e_c, e_a": "its action (`e_a`)",
    "download": "File Downloaded",
    "link": "Outbound Link Clicked",
    "search": "Products Searched",
    "c_i": "Content Interaction",
    "c_n": "Content Impression",
    "ca": "Custom Action",
    "anything else": "page",
}
NUMBERS: Final = frozenset(("value", "results", "revenue", "subtotal", "tax", "shipping", "discount", "price"))
TELLING = frozenset(("ping", "idgoal", "e_c", "download", "link", "search", "c_i", "c_n", "ca"))  # of more than a view
_VIEWED = frozenset(("_pkc", "_pkp", "_pks", "_pkn"))
_ITEM = ("sku", "name", "category", "price", "quantity")


def put_kind(made: Event, note: Mapping[str, str], rest: dict[str, Any], is_view: bool, numbers: Iterable[str]) -> None:
    """Gives the event its name, and reads numbers and lists out of texts.

    `is_view`: nothing of TELLING is there; `numbers` are those of NUMBERS that may be.
    """
    name = "" if is_view else _name(note)
    if name:
        made["event"] = name
    else:
        made["type"] = "page"
    for each in numbers:
        if each in rest and (value := number(rest[each])) is not None:
            rest[each] = value
    if "ec_items" in note and (items := _items(note["ec_items"])):
        rest["products"] = items


def put_viewed(note: dict[str, str]) -> dict[str, str]:
    """With the product that is viewed as fields of its own, where it is in `cvar`, as before Matomo 4."""
    found = json_of(note["cvar"])
    pairs = (
        [each for each in found.values() if isinstance(each, list) and len(each) == 2] if type(found) is dict else ()
    )
    viewed = {name: str(value) for name, value in pairs if name in _VIEWED and isinstance(value, str | int | float)}
    return {**note, **viewed}


def _name(note: Mapping[str, str]) -> str:
    """ "" for a view of a page."""
    goal = note.get("idgoal", "")
    if note.get("ping", "") == "1":
        return PING
    if goal:
        if goal == "0":
            return ORDER if note.get("ec_id", "") else CART
        return f"{GOAL} {goal}"
    if note.get("e_c", "") and note.get("e_a", ""):
        return note.get("e_a", "")
    for each in ("download", "link", "search", "c_i", "c_n"):
        if note.get(each, ""):
            return BECOMES[each]
    return BECOMES["ca"] if note.get("ca", "") == "1" else ""


def _items(written: str) -> list[dict[str, Any]]:
    """`[[sku, name, category, price, quantity], ...]` as products."""
    found = json_of(written) if written else None
    if not isinstance(found, list):
        return []
    return [
        {field: value for place, field in enumerate(_ITEM) if (value := get(one, place)) not in (None, "")}
        for one in found
        if isinstance(one, list)
    ]
