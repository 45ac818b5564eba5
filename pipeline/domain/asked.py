"""What a question can tell of an event beyond its own row: its session, its customer and his account.

    $session.NAME        of the session that holds the event, whole as it has become; a contact on another channel, and
                         a passive event outside every session, have none and lack all
    $customer.NAME       a trait of its customer as it was at the event: the newest that his identify calls up to the
                         event tell, the event itself included
    $customer_now.NAME   the same trait as it is now: the newest of all
    $segment.NAME        true or false: whether its customer is in that segment now
    $account             the account that it belongs to: the group that it names itself, else that of its customer's
                         last group call before it
    $stage               of its customer when the journey began that holds it: visitor, lead, customer, returning or
                         lapsed
    $stage_now           of its customer now

Only questions see events with these (schemas.facts.AskedEvent). No stored fact can hold them: a session grows, traits
and segments change, customers are joined. So agents follow no definition that looks at one; questions answer it.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Final

from pipeline.domain.bounce import duration_ms, engaged
from pipeline.errors import InvalidQuestion
from schemas.facts import Event, EventRow, Session

SESSION: Final = "$session."
CUSTOMER: Final = "$customer."
CUSTOMER_NOW: Final = "$customer_now."
SEGMENT: Final = "$segment."
ACCOUNT: Final = "$account"
STAGE: Final = "$stage"
STAGE_NOW: Final = "$stage_now"
WHOLE: Final = (ACCOUNT, STAGE, STAGE_NOW)  # names without another after them
_PREFIXES: Final = (SESSION, CUSTOMER, CUSTOMER_NOW, SEGMENT)

# Name after `$session.` -> the session's value; None and "" are no value.
SESSION_PROPERTIES: Final[dict[str, Callable[[Session], object]]] = {
    "channel": lambda session: session.channel,
    "acquisition": lambda session: session.acquisition,
    "source": lambda session: session.utm_source,
    "medium": lambda session: session.utm_medium,
    "campaign": lambda session: session.utm_campaign,
    "click_id": lambda session: session.click_id,
    "referrer": lambda session: session.referrer_host,
    "country": lambda session: session.country,
    "region": lambda session: session.region,
    "city": lambda session: session.city,
    "device_type": lambda session: session.device_type,
    "browser": lambda session: session.browser,
    "os": lambda session: session.os,
    "entry_host": lambda session: session.entry_host,
    "entry_page": lambda session: session.entry_path,
    "exit_page": lambda session: session.exit_path,
    "events": lambda session: session.events,
    "views": lambda session: session.views,
    "interactions": lambda session: session.interactions,
    "conversions": lambda session: session.conversions,
    "value": lambda session: session.value_micros / 1_000_000,
    "engaged_ms": lambda session: session.engaged_ms,
    "duration_ms": duration_ms,
    "bounced": engaged,
}

Place = tuple[int, int, int, int]  # of an event in the order of its customer's
Read = Callable[[Mapping[str, Any]], object]  # a value out of a bag of traits


def is_asked(name: str) -> bool:
    """Whether a filter, breakdown or constant of this name is about more than the event's own row."""
    return name in WHOLE or name.startswith(_PREFIXES)


def rest(name: str) -> str:
    """What stands after the prefix: the name of the trait, the segment or the session's property."""
    return name.partition(".")[2]


def check_name(name: str, field: str) -> None:
    """InvalidQuestion for a session's property that there is none of, and for a prefix without a name."""
    if name in WHOLE:
        return
    known = rest(name)
    if not known:
        raise InvalidQuestion(f"the name after {name} is missing", field=field)
    if name.startswith(SESSION) and known not in SESSION_PROPERTIES:
        close = get_close_matches(known[:100], SESSION_PROPERTIES, n=1, cutoff=0.4)
        told = f"did you mean {SESSION}{close[0]}?" if close else f"there are {', '.join(SESSION_PROPERTIES)}"
        raise InvalidQuestion(f"a session has no {known[:100]!r}; {told}", field=field)


def reader(name: str, trait: Read) -> Callable[[Event, Mapping[str, Any]], object]:
    """What reads `name`, one that is asked, off an AskedEvent; `trait` reads the trait of that name out of traits."""
    known = rest(name)
    if name.startswith(SESSION):
        return lambda event, properties: getattr(event, "session").get(known)  # noqa: B009  (AskedEvent)
    if name.startswith(CUSTOMER):
        return lambda event, properties: trait(getattr(event, "traits"))  # noqa: B009
    if name.startswith(CUSTOMER_NOW):
        return lambda event, properties: trait(getattr(event, "traits_now"))  # noqa: B009
    if name.startswith(SEGMENT):
        return lambda event, properties: known in getattr(event, "segments")  # noqa: B009
    attribute = name[1:]
    return lambda event, properties: getattr(event, attribute)


class Traits:
    """A customer's traits through time. A trait told again replaces the one before; told as null or "" it is gone."""

    def __init__(self) -> None:
        self._places: list[Place] = []
        self._known: list[Mapping[str, Any]] = []

    def tell(self, place: Place, told: Mapping[str, Any]) -> None:
        """An identify call, later in the order than those told before."""
        before = self.now()
        known = {**before, **told}
        if repr(known) != repr(before):  # 1, 1.0 and true are equal, and three texts
            self._places.append(place)
            self._known.append(known)

    def at(self, place: Place) -> Mapping[str, Any]:
        """As they were at an event, what it tells itself included."""
        number = bisect_right(self._places, place)
        return self._known[number - 1] if number else {}

    def now(self) -> Mapping[str, Any]:
        return self._known[-1] if self._known else {}


class Accounts:
    """The accounts that a customer's group calls name, in their order."""

    def __init__(self, calls: Iterable[tuple[Place, str]] = ()) -> None:
        told = [(place, account) for place, account in calls if account]
        self._places = [place for place, _ in told]
        self._accounts = [account for _, account in told]

    def of(self, event: EventRow, place: Place) -> str:
        """The account that an event belongs to, "" where it belongs to none."""
        if event.group_id:
            return event.group_id
        number = bisect_right(self._places, place)
        return self._accounts[number - 1] if number else ""
