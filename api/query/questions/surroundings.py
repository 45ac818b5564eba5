"""What events stand in, where a question asks: session, traits, segments and account (pipeline.domain.asked)."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from itertools import groupby
from typing import Final, NamedTuple

from api.query.questions.model import Asking
from api.query.questions.ranges import BEGINNING, END, Range
from api.query.questions.session_texts import texts_bound
from api.query.questions.touched import senders_of, touchpoints_of
from pipeline.domain import asked, filters
from pipeline.domain.asked import Accounts, Traits
from pipeline.domain.funnels import order
from pipeline.domain.journeys import Stages, holders_of
from pipeline.domain.sessions import in_session
from schemas.facts import NOTHING, AskedEvent, Event

_COLUMNS_OF_SESSIONS: Final = frozenset({"channel", "contact"})  # of an event, to tell whether it can be in one


def columns_read(names: frozenset[str], actor: str, by_sender: bool) -> frozenset[str]:
    """The $columns of events, $ left out, that must be read so that the session and the journey that hold each can be
    found; `by_sender`: where sessions go by the sender's own ids."""
    is_held = actor == "customer" and any(name.startswith(asked.SESSION) for name in names)
    columns = _COLUMNS_OF_SESSIONS if is_held else frozenset()
    return columns | {"sender_session"} if by_sender and asked.STAGE in names else columns


class _Held(NamedTuple):
    """The sessions of a device, in time."""

    starts: list[int]
    ends: list[int]
    texts: list[Mapping[str, str]]


class Sessions:
    """The sessions that may hold an event of some time, each with the texts that are asked about."""

    def __init__(self, asking: Asking, names: Sequence[str], within: Range) -> None:
        options = asking.project.sessions
        self.by_sender: Final = options.sender_sessions
        self.by_id: Final[dict[int, Mapping[str, str]]] = {}
        self.of_device: Final[defaultdict[tuple[int, int], _Held]] = defaultdict(lambda: _Held([], [], []))
        started = Range(max(BEGINNING, within.start - options.cap_ms), within.end)
        bound = {"by_sender": int(self.by_sender), **texts_bound(names)}
        rows = asking.rows("session_properties", 0, len(names), **started.bound(), **bound)
        for session, device, sender, start, end, values in rows:
            texts = dict(zip(names, values, strict=True))
            self.by_id[session] = texts
            held = self.of_device[device, sender]
            held.starts.append(start)
            held.ends.append(end)
            held.texts.append(texts)

    def holding(self, event: Event) -> Mapping[str, str]:
        """Of the session that the event is in; nothing where it is in none."""
        held = self.of_device.get((event.device, event.sender_session if self.by_sender else 0))
        if held is None or not in_session(event):
            return NOTHING
        number = bisect_right(held.starts, event.occurred_at) - 1
        return held.texts[number] if number >= 0 and event.occurred_at <= held.ends[number] else NOTHING


class Surroundings:
    """All that is asked about beyond events' own rows; read once for a question."""

    def __init__(self, asking: Asking, names: frozenset[str], within: Range, include_bots: bool) -> None:
        """`names` are those that are `asked.is_asked`."""

        def after(prefix: str) -> list[str]:
            return sorted(asked.rest(name) for name in names if name.startswith(prefix))

        asking.notions.update(_notions(names))
        self.has_customers: Final = any(not name.startswith(asked.SESSION) for name in names)
        self.segments: Final = {name: asking.members_of(asking, name) for name in after(asked.SEGMENT)}
        sessions = after(asked.SESSION)
        self.sessions: Final = Sessions(asking, sessions, within) if sessions else None
        traits = {*after(asked.CUSTOMER), *after(asked.CUSTOMER_NOW)}
        self.traits: Final = traits_of(asking, traits, include_bots) if traits else {}
        self.accounts: Final = _accounts(asking, within, include_bots) if asked.ACCOUNT in names else None
        stages = {asked.STAGE, asked.STAGE_NOW} & names
        until = END if asked.STAGE_NOW in stages else within.end
        self.stages: Final = stages_of(asking, until, within if asked.STAGE in stages else None) if stages else None
        self.now: Final = asking.now

    def put(self, event: AskedEvent, customer: int, session: int | None) -> None:
        """What is asked about, onto an event of that customer; `session`: its own, None where that is to be found."""
        if self.sessions is not None:
            known = self.sessions.by_id.get(session, NOTHING) if session is not None else self.sessions.holding(event)
            event.session = known
        if self.segments:
            event.segments = frozenset(name for name, members in self.segments.items() if customer in members)
        traits = self.traits.get(customer)
        if traits is not None:
            event.traits, event.traits_now = traits.at(order(event)), traits.now()
        if self.accounts is not None:
            event.account = self.accounts.get(customer, _NO_CALLS).of(event, order(event))
        if self.stages is not None:
            stages = self.stages.get(customer, _NO_JOURNEYS)
            event.stage, event.stage_now = stages.of(event), stages.now(self.now)


def _notions(names: frozenset[str]) -> dict[str, int]:
    found = {"session": 1} if any(name.startswith(asked.SESSION) for name in names) else {}
    return found | ({"account": 1} if asked.ACCOUNT in names else {})


_NO_CALLS: Final = Accounts()
_NO_JOURNEYS: Final = Stages()


def stages_of(asking: Asking, until: int, within: Range | None = None) -> dict[int, Stages]:
    """Of each customer with a journey that begins before `until` (ms).

    `within`: when the events are that will be told their stage. Who has two journeys or more by then may have had
    several devices at once, so of his it takes the touchpoints to know which journey holds an event.
    """
    asking.notions.update({"journey": 1, "session": 1} | asking.goal_versions())
    rows = asking.rows("customer_stages", to=until)
    touchpoints = touchpoints_of(asking, within, 2) if within else {}
    senders = senders_of(asking, touchpoints)
    project = asking.project.name
    holders = {
        customer: holders_of(mine, project=project, customer=customer, senders=senders)
        for customer, mine in touchpoints.items()
    }
    return {
        customer: Stages(
            [(journey, started, last, stage) for _, journey, started, last, stage in mine], holders.get(customer)
        )
        for customer, mine in groupby(rows, key=lambda row: int(row[0]))
    }


def traits_of(asking: Asking, names: Set[str] | None, include_bots: bool) -> dict[int, Traits]:
    """Of each customer who ever told any of them (None: any at all), those traits through time."""
    whole = None if names is None else names | {name.partition(".")[0] for name in names}  # a.b, or b in the trait a
    found: defaultdict[int, Traits] = defaultdict(Traits)
    for customer, event in _calls(asking, "identify", Range(BEGINNING, END), include_bots):
        kept = {name: value for name, value in filters.properties_of(event).items() if whole is None or name in whole}
        if kept:
            found[customer].tell(order(event), kept)
    return dict(found)


def _accounts(asking: Asking, within: Range, include_bots: bool) -> dict[int, Accounts]:
    calls: defaultdict[int, list[tuple[asked.Place, str]]] = defaultdict(list)
    for customer, event in _calls(asking, "group", Range(BEGINNING, within.end), include_bots):
        calls[customer].append((order(event), event.group_id))
    return {customer: Accounts(of_customer) for customer, of_customer in calls.items()}


def _calls(asking: Asking, kind: str, within: Range, include_bots: bool) -> Iterator[tuple[int, AskedEvent]]:
    """(customer, call) of the calls of a type, customer by customer, in order."""
    rows = asking.rows("customer_calls", **within.bound(), events=[kind], kind=kind, bots=int(include_bots))
    for customer, device, at, message, sequence, group, properties in rows:
        yield customer, AskedEvent(
            asking.project.name, device, at, message, sequence, 0, kind, kind, "",
            group_id=group, properties=properties,
        )  # fmt: skip
