"""The items of a purchase as gtag writes them: `pr1=idSKU~nmName~pr12.5~qt2~k0size~v0XL`, a tilde written twice."""

import re
from collections.abc import Mapping
from typing import Any, Final

NAMES: Final[Mapping[str, str]] = {
    "id": "item_id",
    "nm": "item_name",
    "br": "item_brand",
    "ca": "item_category",
    "c2": "item_category2",
    "c3": "item_category3",
    "c4": "item_category4",
    "c5": "item_category5",
    "va": "item_variant",
    "pr": "price",
    "qt": "quantity",
    "cp": "coupon",
    "ds": "discount",
    "ln": "item_list_name",
    "li": "item_list_id",
    "lp": "index",
    "af": "affiliation",
    "lo": "location_id",
    "pi": "promotion_id",
    "pn": "promotion_name",
    "cn": "creative_name",
    "cs": "creative_slot",
}
_NUMBERS: Final = frozenset(("price", "quantity", "discount", "index"))
_PARTS = re.compile(r"(?:[^~]|~~)+")


def items_of(given: Mapping[str, str]) -> list[dict[str, Any]]:
    """`pr1`, `pr2` ... in their order, each with Google's documented names."""
    return [item_of(text) for _, text in sorted((int(name[2:]), text) for name, text in given.items())]


def item_of(text: str) -> dict[str, Any]:
    item: dict[str, Any] = {}
    own: dict[str, str] = {}  # by their place, names of the item's own parameters
    for part in _PARTS.findall(text):
        code, value = part[:2], part[2:].replace("~~", "~")
        if name := NAMES.get(code):
            item[name] = _number(value) if name in _NUMBERS else value
        elif code[0] == "k":
            own[code[1:]] = value
        elif code[0] == "v" and code[1:] in own:
            item[own[code[1:]]] = value
        else:
            item[code] = value
    return item


def _number(text: str) -> Any:
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        return text
