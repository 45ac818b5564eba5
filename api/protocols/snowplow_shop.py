"""Snowplow's e-commerce plugin: one event `snowplow_ecommerce_action`, and what it is about as entities."""

from collections.abc import Mapping
from typing import Any, Final

from api.webhooks.reading import text

EVENTS: Final[Mapping[str, str]] = {
    "product_view": "Product Viewed",
    "list_view": "Product List Viewed",
    "list_click": "Product Clicked",
    "add_to_cart": "Product Added",
    "remove_from_cart": "Product Removed",
    "checkout_step": "Checkout Step Viewed",
    "transaction": "Order Completed",
    "refund": "Order Refunded",
    "promo_view": "Promotion Viewed",
    "promo_click": "Promotion Clicked",
    "trns_error": "Payment Failed",
}
_ONE_PRODUCT: Final = ("product_view", "list_click", "add_to_cart", "remove_from_cart")


def shop_event(rest: dict[str, Any], entities: Mapping[str, list[Any]]) -> str:
    """The event's name, by its type; its value, order and products go into the properties."""
    kind = text(rest, "type")
    for name, sign in (("transaction", 1), ("refund", -1)):
        for one in entities.get(name, [])[:1]:
            if not isinstance(one, dict) or kind != name:
                continue
            rest |= {"order_id": one.get("transaction_id"), "currency": one.get("currency")}
            worth = one.get("revenue", one.get("refund_amount"))
            if isinstance(worth, int | float) and not isinstance(worth, bool):
                rest["revenue"] = worth * sign
    products = [one for one in entities.get("product", []) if isinstance(one, dict)]
    if products:
        rest["products"] = products
        if kind in _ONE_PRODUCT and len(products) == 1:
            one = products[0]
            rest |= {"product_id": one.get("id"), "price": one.get("price"), "category": one.get("category")}
            rest |= {"name": one.get("name"), "currency": one.get("currency")}
    return EVENTS.get(kind, kind or "snowplow_ecommerce_action")
