"""Drop-off: who left a funnel after each step, and what they did instead: the first act that followed.

entry          A ------ B            (C never came inside the window)
what followed              D         the first act after the last step, inside the window
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Literal, NamedTuple

from pydantic import BaseModel, Field

from api.query.questions import funnel_entries, known, narrowed, owned
from api.query.questions.durations import percentile
from api.query.questions.funnel_entries import Found, OfPeople
from api.query.questions.model import MOST_MEMBERS, Answer, Asking, Solved, ratio
from api.query.questions.ranges import Range
from pipeline.domain.leaving import last_step, next_act, place_of_last
from pipeline.errors import InvalidQuestion
from schemas.facts import Event, FunnelEntry

VERSION = 1
_VIEWS = ("page", "screen")

Kind = Literal["event", "nothing", "other"]


class DropOffQuestion(OfPeople):
    top: int = Field(10, ge=1, le=100, description="what followed, by step, most often first; the rest is `other`")
    nodes: Literal["both", "events"] = Field("both", description="both: views by path, others by name; events: by name")


class Followed(BaseModel):
    name: str | None = Field(description="of the event, or the view's path; null but for kind `event`")
    kind: Kind = Field(description="nothing: no act followed inside the window; other: all beyond `top`")
    count: int
    rate: float = Field(description="of those who left after the step")
    median_ms: int | None = Field(description="from the step to what followed; null for nothing")


class StepLeft(BaseModel):
    step: int = Field(description="from 1; in any order so many steps")
    label: str
    reached: int = Field(description="whose counted entry fills this step")
    left: int = Field(description="for whom it is the last one filled")
    rate: float | None = Field(description="left / reached")
    followed: list[Followed] = Field(description="most often first, then `other`, then `nothing`")


class DropOffResult(BaseModel):
    entered: int
    converted: int
    steps: list[StepLeft] = Field(description="all but the last, after which nobody leaves")


class DropOffAnswer(Answer[DropOffQuestion, DropOffResult]):
    """Those who entered in the range, and how they left."""


class Departure(NamedTuple):
    """An entry that did not go through, and what followed."""

    entry: FunnelEntry
    step: int  # the last one filled, from 0
    then: Event | None
    name: str | None


def solve(asking: Asking, question: DropOffQuestion) -> Solved[DropOffQuestion, DropOffResult]:
    found, entries = funnel_entries.counted_entries(asking, question)
    size = len(found.funnel.steps)
    left: defaultdict[int, list[Departure]] = defaultdict(list)
    for one in departures(asking, question, found, entries):
        left[one.step].append(one)
    reached = [sum(1 for entry in entries if entry.step_messages[number]) for number in range(size)]
    result = DropOffResult(
        entered=reached[0],
        converted=reached[-1],
        steps=[
            StepLeft(
                step=number + 1,
                label=funnel_entries.label_of(found.funnel, number),
                reached=reached[number],
                left=len(left[number]),
                rate=ratio(len(left[number]), reached[number]),
                followed=_followed(left[number], question.top),
            )
            for number in range(size - 1)
        ],
    )
    doubtful = known.warnings(asking, funnel_entries.doubtful(found.funnel, reached))
    return Solved(question, found.definitions | {"drop_off": VERSION}, result, found.warnings + doubtful)


def departures(
    asking: Asking, question: DropOffQuestion, found: Found, entries: Sequence[FunnelEntry]
) -> list[Departure]:
    """The counted entries that did not go through, each with what followed."""
    leaving = [entry for entry in entries if last_step(entry) < len(found.funnel.steps) - 1]
    then = _acts(asking, question, found, leaving)
    return [
        Departure(entry, last_step(entry), act, _name(act, question) if act else None)
        for entry, act in zip(leaving, then, strict=True)
    ]


def kept_of(found: Sequence[Departure], top: int) -> set[str]:
    """What followed most often; ties go by name."""
    times = Counter(one.name for one in found if one.name is not None)
    return {name for name, _ in sorted(times.items(), key=lambda each: (-each[1], each[0]))[:top]}


def kind_of(one: Departure, kept: set[str]) -> tuple[Kind, str | None]:
    """Under what a departure is counted."""
    if one.name is None:
        return "nothing", None
    return ("event", one.name) if one.name in kept else ("other", None)


def _acts(
    asking: Asking, question: DropOffQuestion, found: Found, leaving: Sequence[FunnelEntry]
) -> list[Event | None]:
    """Of each entry the next act of its customer or session inside its window."""
    if not leaving:
        return []
    window, asked = found.funnel.window_ms, question.range(asking.now)
    ends = asked.end - 1 if question.within_range else asked.end + window
    untils = [min(entry.entered_at + window, ends) for entry in leaving]
    if question.count == "sessions" or found.funnel.within_session:
        return _in_sessions(asking, question, leaving, untils, Range(asked.start, ends + 1))
    return _of_customers(asking, question, leaving, untils)


def _of_customers(
    asking: Asking, question: DropOffQuestion, leaving: Sequence[FunnelEntry], untils: Sequence[int]
) -> list[Event | None]:
    """ClickHouse finds what follows each place, so that only that comes back."""
    if len(leaving) > MOST_MEMBERS:
        why = f"more than {MOST_MEMBERS:,} left: ask for a shorter time, or a rarer first step"
        raise InvalidQuestion(why, field="steps", code="question_too_large")
    places = [place_of_last(entry)[0] for entry in leaving]
    rows = asking.rows(
        "drop_off_next",
        **Range(min(places), max(untils) + 1).bound(),
        events=["*"],
        bots=int(question.include_bots),
        customers=[entry.customer for entry in leaving],
        places=places,
        untils=untils,
    )
    acts: list[Event | None] = [None] * len(leaving)
    for number, at_once, then in rows:
        events = [_event(asking.project.name, *one) for one in (*at_once, *then)]
        acts[number - 1] = _after(events, leaving[number - 1], untils[number - 1])
    return acts


def _event(
    project: str, at: int, sequence: int, message: int, device: int, event: str, kind: str, path: str, passive: bool
) -> Event:
    return Event(
        project, device, at, message, sequence, 0, event, kind, "", path=path, is_passive=bool(passive)
    )  # fmt: skip


def _after(events: Sequence[Event], entry: FunnelEntry, until: int) -> Event | None:
    """The next act of the entry among events in order, which hold that of its last step."""
    last = place_of_last(entry)
    at = max((at for at, event in enumerate(events) if (event.occurred_at, event.message_id) == last), default=None)
    return None if at is None else next_act(events, at, entry, until)


def _in_sessions(
    asking: Asking,
    question: DropOffQuestion,
    leaving: Sequence[FunnelEntry],
    untils: Sequence[int],
    within: Range,
) -> list[Event | None]:
    """What follows in the same session."""
    waiting: defaultdict[int, dict[tuple[int, int], list[int]]] = defaultdict(dict)
    for number, entry in enumerate(leaving):
        waiting[entry.customer].setdefault(place_of_last(entry), []).append(number)
    acts: list[Event | None] = [None] * len(leaving)
    for actor, events in _sessions(asking, question, within):
        mine = waiting.get(actor, {})
        here = {number for event in events for number in mine.get((event.occurred_at, event.message_id), ())}
        for number in here:
            acts[number] = _after(events, leaving[number], untils[number])
    return acts


def _sessions(asking: Asking, question: DropOffQuestion, within: Range) -> Iterator[tuple[int, list[Event]]]:
    """All events of each session; where customers are counted, with the customer's id."""
    rows = narrowed.of_sessions(asking, ["*"], within, question.include_bots, ["$type", "$path", "$is_passive"])
    whose: dict[int, int] = {}
    if question.count != "sessions":
        whose = owned.customers_of_sessions(asking, within)
    for session, events in groupby(rows, key=lambda pair: pair[0]):
        yield whose.get(session, session), [event for _, event in events]


def _name(event: Event, question: DropOffQuestion) -> str:
    is_view = question.nodes == "both" and event.type in _VIEWS and event.path
    return event.path if is_view else event.event


def _followed(left: Sequence[Departure], top: int) -> list[Followed]:
    kept = kept_of(left, top)
    times: defaultdict[tuple[Kind, str | None], list[int]] = defaultdict(list)
    for one in left:
        took = one.then.occurred_at - one.entry.step_times[one.step] if one.then else 0
        times[kind_of(one, kept)].append(took)
    rank = {"event": 0, "other": 1, "nothing": 2}
    return [
        Followed(
            name=name,
            kind=kind,
            count=len(took),
            rate=len(took) / len(left),
            median_ms=None if kind == "nothing" else percentile(took, 50),
        )
        for (kind, name), took in sorted(
            times.items(), key=lambda each: (rank[each[0][0]], -len(each[1]), each[0][1] or "")
        )
    ]
