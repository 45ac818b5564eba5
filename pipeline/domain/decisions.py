"""What operators decided about identifiers, and groups of identifiers that obey it.

    join a b       one customer, whatever evidence there is
    split a b      never one customer, whatever evidence there is
    ignore a b     no evidence of this pair counts
    ignore a       no evidence that names a counts

Of decisions that contradict each other the newest holds: they are taken newest first, and one that no longer fits is
overruled. It takes effect again when what overrules it is revoked.

    newest   split a c     held
             join b c      held
    oldest   join a b      overruled: it would bring a and c together
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from schemas.definitions import Decision
from schemas.facts import Pair


class Groups:
    """Disjoint sets of identifiers, each named by its least member; some are kept apart."""

    def __init__(self) -> None:
        self._above: dict[int, int] = {}
        self._apart: dict[int, dict[int, Decision]] = {}  # by member: from whom it is kept apart
        self._kept: dict[int, list[int]] = {}  # by least member: members that are kept apart from somebody

    def least(self, identifier: int) -> int:
        root = identifier
        while (above := self._above.get(root, root)) != root:
            root = above
        while identifier != root:  # shorten the way for the next time
            self._above[identifier], identifier = root, self._above[identifier]
        return root

    def join(self, one: int, other: int) -> None:
        low, high = sorted((self.least(one), self.least(other)))
        if low == high:
            return
        self._above[high] = low
        if high in self._kept:
            self._kept.setdefault(low, []).extend(self._kept.pop(high))

    def keep_apart(self, one: int, other: int, decision: Decision) -> None:
        """Of several decisions about the same two the first one told is named."""
        for member, stranger in ((one, other), (other, one)):
            self._apart.setdefault(member, {}).setdefault(stranger, decision)
            self._kept.setdefault(self.least(member), []).append(member)

    def apart(self, one: int, other: int) -> Decision | None:
        """The newest decision that keeps the two identifiers' sets apart."""
        here, there = self.least(one), self.least(other)
        if here == there:
            return None
        found = [
            decision
            for member in self._kept.get(here, ())
            for stranger, decision in self._apart[member].items()
            if self.least(stranger) == there
        ]
        return max(found, key=_age, default=None)

    def others(self) -> dict[int, int]:
        """Every member that is not the least of its set -> the least."""
        return {identifier: self.least(identifier) for identifier in list(self._above)}


@dataclass(frozen=True)
class Decided:
    """What decisions amount to before any evidence."""

    groups: Groups = field(default_factory=Groups)  # joined and kept apart
    ignored: Mapping[tuple[int, int], Decision] = field(default_factory=dict)  # (least, other), or (identifier, 0)
    overruled: frozenset[str] = frozenset()  # names of decisions that a newer one contradicts

    def ignoring(self, pair: Pair) -> Decision | None:
        """The decision by which a pair does not count; of several that of the pair itself."""
        if not self.ignored:
            return None
        one, other = sorted((pair.identifier, pair.other))
        return self.ignored.get((one, other)) or self.ignored.get((one, 0)) or self.ignored.get((other, 0))


def decided(decisions: Iterable[Decision]) -> Decided:
    """The decisions in force, in any order."""
    groups, overruled = Groups(), set()
    ignored: dict[tuple[int, int], Decision] = {}
    for each in sorted(decisions, key=_age, reverse=True):
        if each.action == "ignore":
            one, other = sorted((each.one, each.other)) if each.other else (each.one, 0)
            ignored.setdefault((one, other), each)
        elif each.action == "join":
            if groups.apart(each.one, each.other):
                overruled.add(each.name)
            else:
                groups.join(each.one, each.other)
        elif groups.least(each.one) == groups.least(each.other):
            overruled.add(each.name)
        else:
            groups.keep_apart(each.one, each.other, each)
    return Decided(groups, ignored, frozenset(overruled))


def concerning(decisions: Iterable[Decision], identifiers: Collection[int]) -> list[Decision]:
    """Those that name one of the identifiers at least."""
    return [each for each in decisions if each.one in identifiers or each.other in identifiers]


def joined(decisions: Iterable[Decision]) -> dict[int, set[int]]:
    """Whom decisions join, overruled ones too: identifier -> the others. They hang together as by evidence."""
    found: dict[int, set[int]] = {}
    for each in decisions:
        if each.action == "join":
            found.setdefault(each.one, set()).add(each.other)
            found.setdefault(each.other, set()).add(each.one)
    return found


def _age(decision: Decision) -> tuple[int, str]:
    return decision.decided_at, decision.name
