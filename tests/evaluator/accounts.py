"""The accounts that events belong to: that of the event itself, else of its customer's last `group` call before it."""

from collections.abc import Iterable, Mapping

from tests.evaluator.happenings import Happening


def accounts(happenings: Iterable[Happening], *, include_bots: bool) -> Mapping[Happening, str | None]:
    """Of every event; None: it belongs to none. A call counts for itself, too."""
    told: dict[str, str] = {}
    found: dict[Happening, str | None] = {}
    for one in sorted(happenings, key=lambda one: (one.at, one.sequence, one.message_id, one.device)):
        if one.name == "group" and one.group and (include_bots or not one.is_bot):
            told[one.customer] = one.group
        found[one] = one.group or told.get(one.customer)
    return found
