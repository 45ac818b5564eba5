"""Which of very many entries count, over arrays: what `funnel_choice` says of the entries of one actor."""

from typing import Any, NamedTuple, Self

import numpy as np

from api.query.questions.funnel_choice import Attribution
from pipeline.domain.walks import NONE, Flags, Ints, changes
from schemas.facts import FOREVER


class Table(NamedTuple):
    """Events, columns of one length; and entries, each the places of the events that fill its steps."""

    actor: Ints
    at: Ints  # ms
    message: Ints
    value: Ints  # hash of the breakdown's
    fills: Ints  # (entries, steps), in the order of events

    def some(self, which: Ints | Flags) -> Self:
        """The same with some of the entries."""
        return self._replace(fills=self.fills[which])

    def entered_at(self) -> Ints:
        return self.at[self.fills[:, 0]]

    def actors(self) -> Ints:
        """The actors of the entries, counted from 0."""
        return np.cumsum(changes(self.actor[self.fills[:, 0]])) - 1


def furthest(table: Table, group: Ints, texts: dict[int, str]) -> Ints:
    """Of the entries of each group the one that is furthest, of equals the earliest; groups stand together."""
    if not len(group):
        return np.empty(0, np.int64)
    reached = table.fills != NONE
    steps = reached.shape[1] - np.argmax(reached[:, ::-1], axis=1)  # number of the furthest, from 1
    starts = np.flatnonzero(changes(group))
    most = np.maximum.reduceat(steps, starts)
    number = np.cumsum(changes(group)) - 1
    able = np.flatnonzero(steps == most[number])
    best = able[changes(group[able])]
    # Of those that begin in one millisecond the one that gets on sooner: seldom, so one by one.
    entered = table.entered_at()
    ties = able[entered[able] == entered[best][number[able]]]
    ties = ties[np.bincount(number[ties], minlength=len(best))[number[ties]] > 1]
    for each in np.split(ties, np.flatnonzero(changes(number[ties]))[1:]) if len(ties) else []:
        best[number[each[0]]] = min(each.tolist(), key=lambda entry: _place(table, entry, texts))
    return best


def _place(table: Table, entry: int, texts: dict[int, str]) -> tuple[Any, ...]:
    """As `funnel_choice` puts entries in time."""
    fills = table.fills[entry].tolist()
    return (
        [FOREVER if at == NONE else int(table.at[at]) for at in fills],
        [0 if at == NONE else int(table.message[at]) for at in fills],
        [texts.get(int(table.value[at]), "") if at != NONE else "" for at in fills],
    )


def with_values(table: Table, attribution: Attribution) -> tuple[Ints, Ints, Flags]:
    """Pairs of an entry and a value of the breakdown under which it counts: the entries' numbers, the values, and
    whether the step that is asked for is reached (where it is not, the value says nothing)."""
    reached = table.fills != NONE
    values = np.where(reached, table.value[table.fills], 0)
    entries = np.arange(len(table.fills))
    if attribution == "all":
        entry, step = np.nonzero(reached)
        pairs = np.unique(np.stack([entry.astype(np.uint64), values[entry, step]], 1), axis=0)
        return pairs[:, 0].astype(np.int64), pairs[:, 1], np.ones(len(pairs), bool)
    if isinstance(attribution, int):
        return entries, values[:, attribution - 1], reached[:, attribution - 1]
    last = reached.shape[1] - 1 - np.argmax(reached[:, ::-1], axis=1)
    return entries, values[entries, 0 if attribution == "first" else last], np.ones(len(entries), bool)
