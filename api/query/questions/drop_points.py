"""Drop points of a page: how far its visitors scrolled, what they did last, and which field of a form they left.

sessions   seen     viewed the page
           entered  began with it              bounced: those of them that bounced
           left     ended with it
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final, Literal, NamedTuple, TypeVar

from pydantic import BaseModel, Field

from api.query.questions import known, owned
from api.query.questions.bounce import VERSION as BOUNCE_VERSION
from api.query.questions.bounce import Definition
from api.query.questions.durations import percentile
from api.query.questions.model import Answer, Asking, Solved, ratio
from api.query.questions.owned import Owned
from api.query.questions.ranges import BEGINNING, OfCustomers, Range
from api.query.questions.session_where import Chosen
from api.query.questions.steps import Where
from pipeline.domain.bounce import BOUNCES
from pipeline.domain.drop_points import Did, Left, Stop, stop
from schemas.facts import EventRow

VERSION = 1
VIEWS: Final = ("page", "screen")
STEP: Final = 10  # percent of a row of `scroll`
Part = Literal["seen", "entered", "bounced", "left"]
Kind = Literal["value", "none", "other"]
Thing = TypeVar("Thing", bound=Did | Left)


class DropPointsQuestion(OfCustomers):
    page: str = Field(min_length=1, max_length=4000, description="path of the page, as /pricing")
    where: Where = Field([], description="as of `sessions`")
    of: Part = Field("bounced", description="the sessions that are looked at")
    definition: Definition = Field("engaged", description="what a bounce is")
    limit: int = Field(20, ge=1, le=1000, description="rows of `elements` and of `fields`; the rest is `other`")


class PageSessions(BaseModel):
    seen: int = Field(description="sessions with a view of the page")
    entered: int = Field(description="of those, whose first page it was")
    bounced: int = Field(description="of those that entered, by the definition")
    left: int = Field(description="of those that saw it, whose last page it was")
    bounce_rate: float | None = Field(description="bounced / entered")
    exit_rate: float | None = Field(description="left / seen")


class Scrolled(BaseModel):
    from_percent: int
    to_percent: int = Field(description="exclusive, but for 100")
    sessions: int
    reached: int = Field(description="sessions that came so far or further")


class Element(BaseModel):
    event: str | None
    element: str | None = Field(
        description="what it was about: an element, a form or an address; null: it does not say"
    )
    kind: Kind = Field(description="none: nothing was done; other: those beyond `limit`")
    sessions: int


class FormField(BaseModel):
    form: str | None
    field: str | None
    kind: Kind = Field(description="none: no form was left; other: those beyond `limit`")
    sessions: int


class DropPointsResult(BaseModel):
    page: PageSessions
    sessions: int = Field(description="those that `of` names; elements and fields add up to them")
    median_scroll_percent: float | None
    scroll_unknown: int = Field(description="sessions of which no event tells how far the page was seen")
    scroll: list[Scrolled] = Field(description="how far down the end of the page was seen; 100: to its end")
    elements: list[Element] = Field(description="what was done last on the page, most sessions first")
    fields: list[FormField] = Field(description="the field touched last of a form that was not sent")


class DropPointsAnswer(Answer[DropPointsQuestion, DropPointsResult]):
    """Where the sessions that start in the range stopped on a page."""


class Visited(NamedTuple):
    """A session that saw the page, what it belongs to, and where it stopped there."""

    owned: Owned
    parts: frozenset[Part]
    stop: Stop


def solve(asking: Asking, question: DropPointsQuestion) -> Solved[DropPointsQuestion, DropPointsResult]:
    found = list(visited(asking, question))
    counts = Counter(part for one in found for part in one.parts)
    stops = [one.stop for one in found if question.of in one.parts]
    scrolls = [one.scroll for one in stops if one.scroll is not None]
    result = DropPointsResult(
        page=PageSessions(
            seen=counts["seen"],
            entered=counts["entered"],
            bounced=counts["bounced"],
            left=counts["left"],
            bounce_rate=ratio(counts["bounced"], counts["entered"]),
            exit_rate=ratio(counts["left"], counts["seen"]),
        ),
        sessions=len(stops),
        median_scroll_percent=percentile(scrolls, 50),
        scroll_unknown=len(stops) - len(scrolls),
        scroll=_scrolled(scrolls),
        elements=[
            Element(event=one.event if one else None, element=one.element if one else None, kind=kind, sessions=count)
            for one, kind, count in ranked([stop.did for stop in stops], question.limit)
        ],
        fields=[
            FormField(form=one.form if one else None, field=one.field if one else None, kind=kind, sessions=count)
            for one, kind, count in ranked([stop.left for stop in stops], question.limit)
        ],
    )
    warnings = [] if counts["seen"] else _unseen(asking, question)
    return Solved(question, definitions(asking, question), result, warnings)


def definitions(asking: Asking, question: DropPointsQuestion) -> dict[str, int]:
    goals = asking.goal_versions() if question.definition == "engaged" else {}
    return {"drop_points": VERSION, f"bounce.{question.definition}": BOUNCE_VERSION, "session": 1} | goals


def visited(asking: Asking, question: DropPointsQuestion) -> Iterator[Visited]:
    """The sessions that start in the range and saw the page."""
    asked = question.range(asking.now)
    bounces = BOUNCES[question.definition]
    chosen = Chosen(asking, question.where, asked, question.include_bots)
    events = dict(_events(asking, question, asked))
    for one in owned.sessions(asking, asked, question.include_bots):
        mine = events.get(one.session.id, ())
        if not any(event.type in VIEWS for event in mine) or not chosen.holds(one.session, one.customer):
            continue
        parts: set[Part] = {"seen"}
        if one.session.entry_path == question.page:
            parts |= {"entered", "bounced"} if bounces(one.session) else {"entered"}
        if one.session.exit_path == question.page:
            parts.add("left")
        yield Visited(one, frozenset(parts), stop(mine))


def _events(asking: Asking, question: DropPointsQuestion, asked: Range) -> Iterator[tuple[int, Sequence[EventRow]]]:
    """Session's id, and its events on the page, in order."""
    options = asking.project.sessions
    rows = asking.rows(
        "drop_points",
        **Range(max(BEGINNING, asked.start), asked.end + options.cap_ms).bound(),
        by_sender=int(options.sender_sessions),
        sessions_from=max(BEGINNING, asked.start),
        events=["*"],
        bots=int(question.include_bots),
        page=question.page,
    )
    for session, mine in groupby(rows, key=lambda row: row[0]):
        yield (
            session,
            [
                EventRow(
                    asking.project.name, device, at, message, sequence, 0, name, kind, "",
                    path=path, is_passive=bool(is_passive), properties=properties,
                )
                for _, device, at, message, sequence, name, kind, path, is_passive, properties in mine
            ],
        )  # fmt: skip


def row_of(percent: float) -> int:
    """The row of `scroll` that holds it, by its from_percent."""
    return int(percent) // STEP * STEP


def _scrolled(scrolls: Sequence[float]) -> list[Scrolled]:
    counts, reached, rows = Counter(map(row_of, scrolls)), len(scrolls), []
    for begin in range(0, 101, STEP):
        rows.append(
            Scrolled(from_percent=begin, to_percent=min(100, begin + STEP), sessions=counts[begin], reached=reached)
        )
        reached -= counts[begin]
    return rows


def ranked(found: Sequence[Thing | None], limit: int) -> list[tuple[Thing | None, Kind, int]]:
    """The `limit` things of most sessions, all others together, and the sessions without any; ties go by name."""
    counts: Mapping[Thing, int] = Counter(one for one in found if one is not None)
    rank = sorted(counts, key=lambda one: (-counts[one], [part or "" for part in one]))
    rows: list[tuple[Thing | None, Kind, int]] = [(one, "value", counts[one]) for one in rank[:limit]]
    if len(rank) > limit:
        rows.append((None, "other", sum(counts[one] for one in rank[limit:])))
    without = sum(one is None for one in found)
    return [*rows, (None, "none", without)] if without else rows


def _unseen(asking: Asking, question: DropPointsQuestion) -> list[str]:
    pages = [str(row[0]) for row in asking.rows("known_pages", **question.range(asking.now).bound())]
    return [f"nobody saw the page {question.page!r} in this time{known.similar(question.page, pages)}"]
