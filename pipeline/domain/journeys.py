"""Journeys of one customer: touchpoints over all devices and channels, and the conversions that they hold.

    silence 30 days      |--------------------------------|
    touchpoints    S  m S    S$   m  S                         S   S$
    journeys      [----------]   [----]                       [----]
                   converted      silence                      converted

S a session, m another touchpoint, $ holds a journey-ending conversion. A journey goes from the first touchpoint after
the last journey's end up to the one that holds a journey-ending conversion, or until `silence_ms` without the start of
another (exactly so long goes on). Touchpoints are indivisible and ordered by (start, id); a touchpoint that began
before a converting one ended but after it began is the next journey's.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from pipeline.domain.goals import Hit, total_micros
from pipeline.domain.identifiers import fact_id
from schemas.facts import Conversion, Event, Journey, Touchpoint

SILENCE_MS: Final = 30 * 86_400_000
VISITOR, LEAD, CUSTOMER, RETURNING = "visitor", "lead", "customer", "returning"
LAPSED: Final = "lapsed"  # of a moment, never stored

Senders = Mapping[int, int]  # of sessions that go by the sender's own ids, which interleave: session's id -> sender's
ANY_SENDER: Final = -1


def journeys(
    touchpoints: Iterable[Touchpoint],
    *,
    project: str,
    customer: int,
    silence_ms: int = SILENCE_MS,
    after: Journey | None = None,
) -> list[Journey]:
    """The journeys that the touchpoints of one customer make, in time.

    Touchpoints may come in any order. Where they are not the customer's first, they begin with a journey's first one
    and `after` is the journey before it. A journey's id comes from its first touchpoint, so it outlives a change of
    customer.
    """
    found: list[Journey] = []
    for part in _parts(_ordered(touchpoints), silence_ms):
        after = _journey(part, project, customer, after)
        found.append(after)
    return found


def _ordered(touchpoints: Iterable[Touchpoint]) -> list[Touchpoint]:
    return sorted(touchpoints, key=lambda one: (one.started_at, one.id))


def _parts(touchpoints: Sequence[Touchpoint], silence_ms: int) -> list[list[Touchpoint]]:
    parts: list[list[Touchpoint]] = []
    before: Touchpoint | None = None
    for one in touchpoints:
        if before is None or before.ends_journey or one.started_at - before.started_at > silence_ms:
            parts.append([])
        parts[-1].append(one)
        before = one
    return parts


def _journey(part: list[Touchpoint], project: str, customer: int, before: Journey | None) -> Journey:
    first, last = part[0], part[-1]
    path = tuple(one.acquisition if one.is_session else one.channel for one in part)
    conversions = sum(one.conversions for one in part)
    return Journey(
        project=project,
        customer=customer,
        started_at=first.started_at,
        id=fact_id(project, first.id),
        last_at=last.started_at,
        touchpoints=len(part),
        sessions=sum(one.is_session for one in part),
        conversions=conversions,
        is_converted=last.ends_journey,
        value_micros=total_micros(one.value_micros for one in part),
        cost_micros=total_micros(one.cost_micros for one in part),
        first_channel=path[0],
        last_channel=path[-1],
        path=path,
        stage=_stage(last.ends_journey, conversions, before.stage if before else VISITOR),
    )


def _stage(is_converted: bool, conversions: int, before: str) -> str:
    """What the customer is at the journey's end; `before` is what he was at the end of the one before."""
    if before in (CUSTOMER, RETURNING):
        return RETURNING
    if is_converted:
        return CUSTOMER
    return LEAD if conversions or before == LEAD else VISITOR


def conversions(
    met: Iterable[tuple[Event, Sequence[Hit]]],
    touchpoints: Iterable[Touchpoint],
    found: Sequence[Journey],
    *,
    project: str,
    customer: int,
    silence_ms: int = SILENCE_MS,
    senders: Senders | None = None,
) -> list[Conversion]:
    """A customer's conversions, one for each event and goal that it meets, ordered by (occurred_at, id).

    `found` are the `journeys` of these very touchpoints. A conversion belongs to the journey of the touchpoint that its
    event is, else of the last session that began on its device by then; with `senders`, of those of the event's own
    session id, where there are such. An event that neither holds (a server's, long after a session) belongs to the
    last journey that began by then. In no case to one whose last touchpoint began more than `silence_ms` before; then
    journey is 0.
    """
    holders = Holders(_ordered(touchpoints), found, silence_ms, senders)
    rows = [
        Conversion(
            project=project,
            customer=customer,
            occurred_at=event.occurred_at,
            id=fact_id(project, event.device, event.message_id, event.occurred_at, hit.goal),
            goal=hit.goal,
            goal_version=hit.version,
            kind=hit.kind,
            device=event.device,
            message_id=event.message_id,
            event=event.event,
            value_micros=hit.value_micros,
            currency=hit.currency,
            journey=holders.journey(event),
        )
        for event, hits in met
        for hit in hits
    ]
    return sorted(rows, key=lambda row: (row.occurred_at, row.id))


def by_journey(
    events: Iterable[Event],
    touchpoints: Iterable[Touchpoint],
    *,
    project: str,
    customer: int,
    senders: Senders | None = None,
) -> dict[int, list[Event]]:
    """A customer's events by the journey that holds each, as it would hold a conversion; in their order.

    Touchpoints are from the first of some journey on. Events of no journey are left out.
    """
    holders = holders_of(touchpoints, project=project, customer=customer, senders=senders)
    held: defaultdict[int, list[Event]] = defaultdict(list)
    for event in events:
        if journey := holders.journey(event):
            held[journey].append(event)
    return held


def holders_of(
    touchpoints: Iterable[Touchpoint], *, project: str, customer: int, senders: Senders | None = None
) -> "Holders":
    """Of a customer's touchpoints from the first of some journey on."""
    ordered = _ordered(touchpoints)
    return Holders(ordered, journeys(ordered, project=project, customer=customer), SILENCE_MS, senders)


class Holders:
    """Which journey holds an event. `found` are the `journeys` of these very touchpoints, which come in their order.

    senders' ids     1           2              1 $               2
    journeys      [--- of 1, converted ---]   [--- of 2 ---]          $ is of 1, though 2 began after it
    """

    def __init__(
        self,
        touchpoints: Sequence[Touchpoint],
        found: Sequence[Journey],
        silence_ms: int,
        senders: Senders | None = None,
    ) -> None:
        self._silence_ms, self._by_sender = silence_ms, senders is not None
        self._journeys = found
        self._starts = [journey.started_at for journey in found]
        self._of_touchpoint: dict[int, Journey] = {}
        self._sessions: defaultdict[tuple[int, int], tuple[list[int], list[Journey]]] = defaultdict(lambda: ([], []))
        at = 0
        for journey in found:
            for one in touchpoints[at : at + journey.touchpoints]:
                self._of_touchpoint[one.id] = journey
                if one.is_session:
                    for sender in (ANY_SENDER,) if senders is None else (ANY_SENDER, senders.get(one.id, 0)):
                        starts, holding = self._sessions[one.device, sender]
                        starts.append(one.started_at)
                        holding.append(journey)
            at += journey.touchpoints

    def journey(self, event: Event) -> int:
        """Its id, 0 = none."""
        moment = event.occurred_at
        own = self._of_touchpoint.get(fact_id(event.project, event.device, event.message_id, moment))
        if own is not None:
            return own.id
        held_by = [(event.device, ANY_SENDER)]
        if self._by_sender:
            held_by.insert(0, (event.device, event.sender_session))
        by_sessions = [self._sessions[key] for key in held_by if key in self._sessions]
        for times, candidates in (*by_sessions, (self._starts, self._journeys)):
            at = bisect_right(times, moment)
            if at and moment - candidates[at - 1].last_at <= self._silence_ms:
                return candidates[at - 1].id
        return 0


def stage_after(stage: str, last_at: int, when: int, silence_ms: int = SILENCE_MS) -> str:
    """What a customer is at `when` (ms) whose newest journey by then has this stage and began its last touchpoint then:
    a customer who has been silent for longer than a journey may be has lapsed."""
    return LAPSED if stage in (CUSTOMER, RETURNING) and last_at + silence_ms < when else stage


class Stages:
    """A customer's stage through time.

    journeys    [--lead--]        [-customer-]            [-returning-]
    at          visitor           lead                    customer, or lapsed where the silence was long
    """

    def __init__(self, journeys: Iterable[tuple[int, int, int, str]] = (), holders: Holders | None = None) -> None:
        """Of his journeys (id, started_at, last_at, stage), in their order.

        `holders` are of all that may hold an event; with none time alone tells, which is enough of one journey.
        """
        mine = list(journeys)
        self._journeys = [(last, stage) for _, _, last, stage in mine]
        self._starts = [started for _, started, _, _ in mine]
        self._numbers = {journey: number for number, (journey, *_) in enumerate(mine)}
        self._holders = holders

    def of(self, event: Event) -> str:
        """What he was when the journey began that holds the event; of one in no journey, what he was at the event.

        devices   phone    [--- session, $ ------- x ---]      x is of the journey that the session ended by $
                  laptop                  [- session -]        though the next one has begun
        """
        held = self._holders.journey(event) if self._holders else 0
        if self._holders is None or (held and held not in self._numbers):
            return self.at(event.occurred_at)
        if not held:
            return self._after(bisect_right(self._starts, event.occurred_at) - 1, event.occurred_at)
        number = self._numbers[held]
        return self._after(number - 1, self._starts[number])

    def at(self, when: int) -> str:
        """The same of a moment, where no two journeys have sessions that overlap."""
        number = bisect_right(self._starts, when) - 1
        if number >= 0 and when <= self._journeys[number][0] + SILENCE_MS:
            when = self._starts[number]
            number -= 1
        return self._after(number, when)

    def now(self, now: int) -> str:
        return self._after(len(self._journeys) - 1, now)

    def _after(self, number: int, when: int) -> str:
        if number < 0:
            return VISITOR
        last_at, stage = self._journeys[number]
        return stage_after(stage, last_at, when)
