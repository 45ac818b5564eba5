"""Warnings about names that nobody ever sent, with those that are like them."""

from collections.abc import Iterable
from difflib import get_close_matches

from api.query.questions.model import Asking


def warnings(asking: Asking, names: Iterable[str]) -> list[str]:
    """One warning for each of the names, which counted 0, that no event of the project has."""
    asked = sorted(set(names) - {"*"})
    if not asked:
        return []
    known = {row[0] for row in asking.rows("known_events", events=asked)}
    unknown = [name for name in asked if name not in known]
    if not unknown:
        return []
    everything = [row[0] for row in asking.rows("all_events")]
    return [f"no event named {name!r} has ever arrived{similar(name, everything)}" for name in unknown]


def similar(name: str, names: Iterable[str]) -> str:
    """ "; similar: 'Added'" where some are."""
    folded = {one.lower(): one for one in names}
    near = get_close_matches(name.lower(), folded, n=3, cutoff=0.6)
    return f"; similar: {', '.join(repr(folded[one]) for one in near)}" if near else ""
