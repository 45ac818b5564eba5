"""What is known of customers now, as breakdowns and filters ask about it: segments and traits.

    $segment.NAME             true or false: whether the customer is in that segment now
    $customer_now.NAME        a trait of the customer as it is now
    $stage_now                what he is now: visitor, lead, customer, returning or lapsed

Customers of one kind have the same values of all that is asked. So a statement groups by kinds, and what each is like
is this module's to know.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Annotated, Final

import msgspec
from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

from api.query.questions.model import MOST_MEMBERS, Asking
from api.query.questions.ranges import END
from api.query.questions.steps import alone, breakdown_schema, each_once, one_or_many
from api.query.questions.surroundings import stages_of, traits_of
from pipeline.domain import asked
from pipeline.domain.breakdowns import combined, together
from pipeline.errors import InvalidQuestion
from schemas.facts import NOTHING, AskedEvent

PREFIXES: Final = (asked.SEGMENT, asked.CUSTOMER_NOW, asked.STAGE_NOW)
NOBODYS: Final = AskedEvent("", 0, 0, 0, 0, 0, "", "", "")  # of whoever is in no segment, told no trait, has no journey
PATTERN: Final = r"^\$(stage_now|(segment|customer_now)\..+)$"


def of_customer(name: str) -> str:
    """A name that is one of a customer's, now. ValueError for any other."""
    if name.startswith(asked.CUSTOMER):
        raise ValueError(f"no moment is asked about: ask {asked.CUSTOMER_NOW}{asked.rest(name)}, as it is now")
    if name == asked.STAGE:
        raise ValueError(f"no moment is asked about: ask {asked.STAGE_NOW}")
    if name == asked.STAGE_NOW:
        return name
    if not name.startswith((asked.SEGMENT, asked.CUSTOMER_NOW)):
        told = f"{asked.SEGMENT}NAME, {asked.CUSTOMER_NOW}NAME and {asked.STAGE_NOW}"
        raise ValueError(f"customers are broken down by {told}")
    if not asked.rest(name):
        raise ValueError("the name after it is missing")
    return name


CustomerBreakdown = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(of_customer)]],
    Field(min_length=1, max_length=3),
    BeforeValidator(one_or_many),
    AfterValidator(each_once),
    PlainSerializer(alone),
    breakdown_schema({"type": "string", "pattern": PATTERN}, 1),
]


def known(asking: Asking, names: Iterable[str], include_bots: bool) -> Iterator[tuple[int, AskedEvent]]:
    """(customer, an event that tells what is asked about), of all about whom there is something."""
    asked_for = set(names)
    inside = {
        name: asking.members_of(asking, name)
        for name in sorted(asked.rest(name) for name in asked_for if name.startswith(asked.SEGMENT))
    }
    told = {asked.rest(name) for name in asked_for if name.startswith(asked.CUSTOMER_NOW)}
    traits = traits_of(asking, told, include_bots) if told else {}
    stages = stages_of(asking, END) if asked.STAGE_NOW in asked_for else {}
    for customer in frozenset(traits).union(stages, *inside.values()):
        event = msgspec.structs.replace(
            NOBODYS,
            segments=frozenset(name for name, members in inside.items() if customer in members),
            traits_now=traits[customer].now() if customer in traits else NOTHING,
        )
        if customer in stages:
            event.stage_now = stages[customer].now(asking.now)
        yield customer, event


class Kinds:
    """The kinds of customers there are: kind 0 is whoever nothing is known of that is asked about."""

    def __init__(self, asking: Asking, names: Sequence[str], include_bots: bool) -> None:
        self.names: Final = tuple(names)
        self.kinds: Final[dict[int, int]] = {}
        reads = [together([name]) for name in self.names]
        self.texts: Final = [tuple(read(NOBODYS, NOTHING) for read in reads)]  # by kind; "": no value
        if reads:
            self._judge(
                known(asking, self.names, include_bots), lambda one: tuple(read(one, NOTHING) for read in reads)
            )

    def _judge(self, told: Iterable[tuple[int, AskedEvent]], read: Callable[[AskedEvent], tuple[str, ...]]) -> None:
        numbers = {self.texts[0]: 0}
        for customer, event in told:
            texts = read(event)
            if texts not in numbers:
                numbers[texts] = len(self.texts)
                self.texts.append(texts)
            if numbers[texts]:
                self.kinds[customer] = numbers[texts]
        check_size(len(self.kinds), "breakdown")

    def of(self, customer: int) -> tuple[str, ...]:
        """The values of a customer in the order of `names`; "": none."""
        return self.texts[self.kinds.get(customer, 0)]

    def text(self, customer: int) -> str:
        """The same as the one text of a group; "" where there is no value at all."""
        texts = self.of(customer)
        return texts[0] if len(texts) == 1 else combined(texts)

    def bound(self) -> dict[str, object]:
        """As the parameters of a statement."""
        kinds = self.kinds or {0: 0}
        return {"kind_of": list(kinds), "kinds": list(kinds.values())}


def check_size(customers: int, field: str) -> None:
    """InvalidQuestion where a statement would be told of too many."""
    if customers > MOST_MEMBERS:
        why = f"this looks at more than {MOST_MEMBERS:,} customers: ask about narrower segments, or other traits"
        raise InvalidQuestion(why, field=field, code="question_too_large")


def written(values: Sequence[str | None]) -> str | None:
    """One value as it is, several as a JSON array; None where there is none."""
    return values[0] if len(values) == 1 else combined([one or "" for one in values]) or None
