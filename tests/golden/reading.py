"""The language of the golden journeys: what people did, and below the arrow everything that Wayfare makes of it.

    A login on a second device
      What Ann did on the phone before is hers, too.
      | laptop 09:00  login ann
      | phone  10:00  page /
      | phone  10:01  login ann
      ->
      session laptop 09:00 to 09:00 by ann, 1 event
      session phone 10:00 to 10:01 by ann, 2 events
      journey ann from 09:00: direct > direct, visitor

What happened is told in the language of `tests/story.py`, in the order in which it reaches the collector. A first line
`given WORD=VALUE ...` sets the project's options. Three goals are always there: `bought` (Bought; macro, so it ends a
journey; worth its price), `asked` (Asked; a lead) and `read` (Read; micro).

All sessions, contacts, journeys, customers, refusals, shared identifiers, conversions and rejects are told, and none
besides. Owners (`by`) are those of the device, journeys and conversions name the customer. What follows the first
comma of a session is told where it matters (see DETAILS).

    session DEVICE FROM to LAST by OWNER, N events[, cut][, acquisition A][, enters PATH][, engaged MS] ...
    contact CHANNEL WHEN by OWNER, exposure|engagement|conversion|service
    journey CUSTOMER from WHEN: ACQUISITION OR CHANNEL > ..., visitor|lead|customer|returning[, converted]
    customer NAME: every other identifier that belongs to it
    refused ONE with OTHER at WHEN
    shared IDENTIFIER
    conversion CUSTOMER WHEN: GOAL[, worth N][, journey from WHEN|no journey]
    rejected N
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.domain.bounce import BOUNCES
from pipeline.domain.facts import BatchFacts
from pipeline.domain.identifiers import kind_of, normal_email, normal_phone, usable
from pipeline.domain.identity import UNTRUSTED, customers
from schemas.definitions import Goal, Project, SessionOptions
from schemas.facts import EventRow, Rejected, Session
from tests import story as words

GOALS = (
    Goal("bought", ("Bought",), value_property="price"),
    Goal("asked", ("Asked",), kind="lead"),
    Goal("read", ("Read",), kind="micro"),
)
MICROS = 1_000_000
_UNITS = {"s": 1000, "m": 60_000, "h": 3_600_000}


@dataclass(frozen=True)
class Golden:
    name: str
    project: Project
    events: Sequence[EventRow | Rejected]
    expected: list[str]
    names: dict[int, str]  # identifier -> as it was told

    @property
    def has_copies(self) -> bool:
        """Which copy counts depends on the order of arrival, and so does what is received when."""
        return len({(row.device, row.message_id) for row in self.events}) < len(self.events)


def read(path: Path) -> list[Golden]:
    """All journeys of a file. A title stands at the margin, everything about it is indented."""
    text = re.sub(r"^#.*\n", "", path.read_text("utf-8"), flags=re.MULTILINE)
    return [_golden(part) for part in re.split(r"\n(?=\S)", text.strip("\n")) if part.strip()]


def _golden(part: str) -> Golden:
    name, *lines = [line.strip() for line in part.splitlines() if line.strip()]
    arrow = lines.index("->")
    told = "\n".join(line[1:].strip() for line in lines[:arrow] if line.startswith("|"))
    given = [word for line in lines[:arrow] if line.startswith("given ") for word in line.split()[1:]]
    expected = [" ".join(line.split()) for line in lines[arrow + 1 :]]
    return Golden(name, _project(given), words.received(told), expected, _names(told))


def _project(given: list[str]) -> Project:
    options: dict[str, Any] = dict(word.split("=") for word in given)
    zone, currency = options.pop("zone", "UTC"), options.pop("currency", "EUR")
    values: dict[str, Any] = {
        f"{name}_ms": int(options.pop(name)[:-1]) * _UNITS[given_as[-1]]
        for name in ("gap", "cap")
        if (given_as := options.get(name))
    }
    values |= {name: value == "yes" for name, value in options.items()}
    return Project(words.PROJECT, zone=zone, currency=currency, sessions=SessionOptions(**values))


def _names(told: str) -> dict[int, str]:
    found: dict[int, str] = {}
    for word in words.WORD.findall(told):
        value = word.split("=", 1)[-1]
        found[words.vendor(value)] = value
        found[words.device(value)] = found[words.user(value)] = usable(value)
        found[words.email(value)], found[words.phone(value)] = normal_email(value), normal_phone(value)
    return found


# ---- what facts read like

Line = tuple[str, dict[str, Any]]  # what is always told, what is told where it matters

FLAGS: dict[str, Callable[[Session], Any]] = {
    "cut": lambda session: session.is_cut,
    "bot": lambda session: session.is_bot,
    "bounced": BOUNCES["engaged"],
}
DETAILS: dict[str, Callable[[Session], Any]] = {
    "acquisition": lambda session: session.acquisition,
    "channel": lambda session: session.channel,
    "enters": lambda session: session.entry_path,
    "leaves": lambda session: session.exit_path,
    "views": lambda session: session.views,
    "interactions": lambda session: session.interactions,
    "engaged": lambda session: session.engaged_ms,
    "conversions": lambda session: session.conversions,
    "worth": lambda session: _amount(session.value_micros),
}


def told(golden: Golden, facts: BatchFacts, rejected: int) -> list[str]:
    """The facts as lines, with those details that the expected lines tell of."""
    lines = list(_Reading(golden, facts).lines())
    if rejected:
        lines.append((f"rejected {rejected}", {}))
    asked: defaultdict[str, list[list[str]]] = defaultdict(list)
    heads = sorted((head for head, _ in lines), key=len, reverse=True)
    for line in golden.expected:
        head = next((head for head in heads if line == head or line.startswith(f"{head}, ")), "")
        asked[head].append([detail for detail in line[len(head) + 2 :].split(", ") if detail])
    return [
        ", ".join([head, *(_detail(detail, details) for detail in (asked[head].pop(0) if asked[head] else []))])
        for head, details in lines
    ]


def _detail(wanted: str, details: dict[str, Any]) -> str:
    """What holds instead of the wanted detail, which is the same where it holds."""
    flag = wanted.removeprefix("not ")
    if flag in FLAGS:
        return flag if details[flag] else f"not {flag}"
    name = "journey" if wanted == "no journey" else wanted.split()[0]
    return str(details[name]) if name == "journey" else f"{name} {details.get(name)}"


class _Reading:
    def __init__(self, golden: Golden, facts: BatchFacts) -> None:
        self.facts, self.names = facts, golden.names
        self.members: defaultdict[int, set[int]] = defaultdict(set)
        for row in facts.identities:
            self.members[row.customer] |= {row.customer, row.identifier}

    def lines(self) -> Iterator[Line]:
        facts = self.facts
        for session in facts.sessions:
            yield self._session(session)
        for point in facts.touchpoints:
            if not point.is_session:
                owner, at = self.names[point.owner], _when(point.started_at)
                yield f"contact {point.channel} {at} by {owner}, {point.contact}", {}
        started = {journey.id: journey.started_at for journey in facts.journeys}
        for journey in facts.journeys:
            head = f"journey {self.customer(journey.customer)} from {_when(journey.started_at)}: "
            head += f"{' > '.join(journey.path)}, {journey.stage}" + ", converted" * journey.is_converted
            yield head, {"worth": _amount(journey.value_micros), "conversions": journey.conversions}
        for met in facts.conversions:
            where = f"journey from {_when(started[met.journey])}" if met.journey else "no journey"
            head = f"conversion {self.customer(met.customer)} {_when(met.occurred_at)}: {met.goal}"
            yield head, {"worth": _amount(met.value_micros), "currency": met.currency, "journey": where}
        for customer, members in self.members.items():
            own = self.customer(customer)
            yield f"customer {own}: {', '.join(sorted({self.names[member] for member in members} - {own}))}", {}
        answer = customers(facts.pairs)
        for pair in [*answer.refused, *(one for one in answer.left_out if one.reason == UNTRUSTED)]:
            one, other = self._sorted(pair.identifier, pair.other)
            yield f"refused {one} with {other} at {_when(pair.evidence_at)}", {}
        for identifier in answer.shared:
            yield f"shared {self.names[identifier]}", {}

    def _session(self, session: Session) -> Line:
        device, owner = self.names[session.device], self.names[session.owner]
        head = f"session {device} {_when(session.started_at)} to {_when(session.last_at)} by {owner}, "
        head += "1 event" if session.events == 1 else f"{session.events} events"
        return head, {name: value(session) for name, value in (DETAILS | FLAGS).items()}

    def customer(self, identifier: int) -> str:
        """His name: of several of the highest rank (names of one user, say) the first in the alphabet."""
        members = self.members.get(identifier, {identifier})
        return min(self.names[each] for each in members if kind_of(each) is kind_of(identifier))

    def _sorted(self, one: int, other: int) -> list[str]:
        return [self.names[each] for each in sorted((one, other), key=lambda x: (kind_of(x), self.names[x]))]


def _when(at: int) -> str:
    day, rest = divmod(at - words.DAY_ZERO, words.DAY)
    minutes, ms = divmod(rest, 60_000)
    text = f"{minutes // 60:02}:{minutes % 60:02}"
    if ms:
        text += f":{ms // 1000:02}" + (f".{ms % 1000:03}" if ms % 1000 else "")
    return f"{day:+} {text}" if day else text


def _amount(micros: int) -> str:
    return f"{micros / MICROS:g}"
