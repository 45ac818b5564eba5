"""Divide: what those who went through a funnel had at its first step more or less often than those who did not.

                        went through   did not
    color = red              a            b         odds ratio ad / bc; significance of the difference,
    all others               c            d         corrected for how many values are looked at

That a value divides says what goes together, not what causes what.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import log
from typing import Final

from pydantic import BaseModel, Field

from api.query.errors import near
from api.query.questions import funnel_entries, known
from api.query.questions.descriptions import OF_SESSION, Description, described
from api.query.questions.funnel_entries import OfPeople
from api.query.questions.model import Answer, Asking, Solved, ratio
from api.query.questions.odds import Table, Test, adjusted, odds_interval, odds_ratio, p_value
from pipeline.domain import asked, filters
from pipeline.domain.asked import CUSTOMER, SESSION
from pipeline.errors import InvalidQuestion
from schemas.facts import FunnelEntry

VERSION = 1
MOST_VALUES: Final = 1_000  # of a property: with more it is an id, or a measure, and left out
MOST_TESTED: Final = 5_000
SIGNIFICANT: Final = 0.05


class DivideQuestion(OfPeople):
    properties: list[str] | None = Field(
        None,
        min_length=1,
        max_length=100,
        description="names of properties, $columns, $session.NAME and $customer.NAME; null: all that the first step's "
        "events, their sessions and their customers have",
    )
    without: list[str] = Field([], max_length=100, description="names that are not looked at")
    least: int = Field(10, ge=1, le=1_000_000, description="so many must have the value, and so many must not")
    top: int = Field(20, ge=1, le=1_000, description="values that are told")


class Divide(BaseModel):
    property: str
    value: str
    converted: int = Field(description="have the value at the first step, and went through")
    not_converted: int = Field(description="have it, and did not")
    rate: float = Field(description="of those who have it")
    others_converted: int
    others_not_converted: int
    others_rate: float
    odds_ratio: float = Field(
        description="above 1: who has the value goes through more often; where one of the four is 0 each is 0.5 more"
    )
    interval: list[float] = Field(description="between these two it lies with a confidence of 95 % (Woolf)")
    test: Test = Field(description="fisher where one of the four is expected to be less than 5, else chi_square")
    p_value: float = Field(description="how likely chance alone does as much (two-sided)")
    adjusted: float = Field(description="corrected for all that were tested (Benjamini-Hochberg)")
    significant: bool = Field(description="adjusted is 0.05 at most")


class DivideResult(BaseModel):
    entered: int
    converted: int
    rate: float | None
    tested: int = Field(description="values with enough who have them, and enough who do not")
    rows: list[Divide] = Field(description="least p_value first, then by how far the odds ratio is from 1")
    left_out: list[str] = Field(description="properties with more than 1,000 values: ids and measures")


class DivideAnswer(Answer[DivideQuestion, DivideResult]):
    """Those who entered in the range."""


def solve(asking: Asking, question: DivideQuestion) -> Solved[DivideQuestion, DivideResult]:
    check(question)
    found, entries = funnel_entries.counted_entries(asking, question)
    told = described(asking, question, found, entries, question.properties)
    through = [went_through(entry) for entry in entries]
    counts, left_out = counted(told, through, frozenset(question.without))
    tables = tables_of(counts, len(entries), sum(through), question.least)
    rows = ranked(tables)
    size = len(found.funnel.steps)
    reached = [sum(1 for entry in entries if entry.step_messages[number]) for number in range(size)]
    doubtful = known.warnings(asking, funnel_entries.doubtful(found.funnel, reached))
    result = DivideResult(
        entered=len(entries),
        converted=sum(through),
        rate=ratio(sum(through), len(entries)),
        tested=len(rows),
        rows=rows[: question.top],
        left_out=left_out,
    )
    definitions = found.definitions | {"divide": VERSION, "session": 1}
    return Solved(question, definitions, result, found.warnings + doubtful)


def check(question: DivideQuestion) -> None:
    """InvalidQuestion for a column of the event or the session that there is none of."""
    for at, name in enumerate(question.properties or ()):
        field = f"properties[{at}]"
        if name.startswith(SESSION):
            known_names = [f"{SESSION}{each}" for each in OF_SESSION]
            if name not in known_names:
                raise InvalidQuestion(f"there is no {name[:100]!r}{near(name, known_names)}", field=field)
        elif asked.is_asked(name) and not name.startswith(CUSTOMER):
            told = f"as it was at the first step there are properties, $columns, {SESSION}NAME and {CUSTOMER}NAME"
            raise InvalidQuestion(told, field=field)
        else:
            filters.reader(name, field)


def went_through(entry: FunnelEntry) -> bool:
    return entry.step_messages[-1] != 0


Counts = Mapping[tuple[str, str], list[int]]  # (property, value) -> [went through, did not]


def counted(
    told: Iterable[Description], through: Iterable[bool], without: frozenset[str] = frozenset()
) -> tuple[Counts, list[str]]:
    """How many have each value, and the properties that have too many values to tell."""
    counts: defaultdict[str, dict[str, list[int]]] = defaultdict(dict)
    left_out: set[str] = set()
    for description, went in zip(told, through, strict=True):
        for name, value in description.items():
            if name in without or name in left_out:
                continue
            values = counts[name]
            if value not in values and len(values) >= MOST_VALUES:
                left_out.add(name)
                del counts[name]
                continue
            values.setdefault(value, [0, 0])[0 if went else 1] += 1
    return {(name, value): both for name, values in counts.items() for value, both in values.items()}, sorted(left_out)


def tables_of(counts: Counts, entered: int, converted: int, least: int) -> dict[tuple[str, str], Table]:
    """The values that enough have and enough do not; of very many those that most have."""
    found = {
        what: Table(went, stayed, converted - went, entered - converted - stayed)
        for what, (went, stayed) in counts.items()
        if least <= went + stayed <= entered - least
    }
    if len(found) > MOST_TESTED:
        # By how many have it, which says nothing about who went through: choosing so leaves the correction right.
        kept = sorted(found, key=lambda what: (-found[what].a - found[what].b, what))[:MOST_TESTED]
        found = {what: found[what] for what in kept}
    return found


def ranked(tables: Mapping[tuple[str, str], Table]) -> list[Divide]:
    """A row each value, what divides most first."""
    tests = [p_value(table) for table in tables.values()]
    corrected = adjusted([p for p, _ in tests])
    rows = [
        _row(name, value, table, p, test, q)
        for ((name, value), table), (p, test), q in zip(tables.items(), tests, corrected, strict=True)
    ]
    return sorted(rows, key=lambda row: (row.p_value, -abs(log(row.odds_ratio)), row.property, row.value))


def _row(name: str, value: str, table: Table, p: float, test: Test, q: float) -> Divide:
    a, b, c, d = table
    return Divide(
        property=name,
        value=value,
        converted=a,
        not_converted=b,
        rate=a / (a + b),
        others_converted=c,
        others_not_converted=d,
        others_rate=c / (c + d),
        odds_ratio=_told(odds_ratio(table)),
        interval=[_told(end) for end in odds_interval(table)],
        test=test,
        p_value=_told(p),
        adjusted=_told(q),
        significant=q <= SIGNIFICANT,
    )


def _told(number: float) -> float:
    """Nine digits that count: the last ones of a logarithm differ from machine to machine, and ranks with them."""
    return float(f"{number:.9g}")


def with_value(told: Sequence[Description], name: str, value: str) -> list[bool]:
    """Which of the entries have it."""
    return [description.get(name) == value for description in told]
