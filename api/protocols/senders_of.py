"""Requests whose notes name their keys one by one: the notes of each key, in their order."""

from collections.abc import Callable, Sequence
from typing import Any

from api.collect.senders import key_in_headers
from api.protocols.protocol import Asked, Posted, missing_key


def by_key(
    notes: Sequence[Any],
    key_of: Callable[[Any], str],
    asked: Asked,
    where: str,
    sent_at: str = "",
    hides_address: bool = False,
    about: Any = None,
) -> list[Posted]:
    """Notes without a key of their own have that of the headers. Raises Refused (401) where there is none either."""
    found: dict[str, list[Any]] = {}
    for note in notes:
        found.setdefault(key_of(note), []).append(note)
    if "" in found:
        other = key_in_headers(dict(asked.headers)) or next(iter(found.keys() - {""}), "")
        if not other:
            raise missing_key(where)
        found.setdefault(other, []).extend(found.pop(""))
    return [Posted(key, of_key, sent_at, about=about, hides_address=hides_address) for key, of_key in found.items()]
