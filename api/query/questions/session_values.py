"""What `sessions` and `bounce` are broken down by: fields of the session, segments and traits of its customer.

    channel, entry_page ...   fields of its entry (exit_page: of its end); also with $ or $session. before them
    $segment.NAME             true or false: whether its customer is in that segment now
    $customer_now.NAME        a trait of its customer as it is now

The statement groups by the fields' texts and by the kind of customer: customers of one kind have the same segments and
traits. Which kind has which is this module's to know.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, get_args

import msgspec
from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from api.query.errors import near
from api.query.questions.model import MOST_MEMBERS, Asking
from api.query.questions.steps import alone, each_once, one_or_many
from api.query.questions.surroundings import traits_of
from pipeline.domain import asked, filters
from pipeline.domain.breakdowns import combined, together
from pipeline.errors import InvalidQuestion
from schemas.facts import NOTHING, AskedEvent, Session

Column = Literal[
    "channel",
    "acquisition",
    "source",
    "medium",
    "campaign",
    "click_id",
    "referrer",
    "country",
    "region",
    "city",
    "device_type",
    "browser",
    "os",
    "entry_host",
    "entry_page",
    "exit_page",
]
COLUMNS: Final[tuple[str, ...]] = get_args(Column)
_OTHER_NAMES: Final = {
    "$utm_source": "source", "$utm_medium": "medium", "$utm_campaign": "campaign", "$path": "entry_page",
}  # fmt: skip
_OF_CUSTOMERS: Final = (asked.SEGMENT, asked.CUSTOMER_NOW)
_NOBODYS: Final = AskedEvent("", 0, 0, 0, 0, 0, "", "", "")


def _column(given: object) -> object:
    """Funnels write columns with a $ before them; here the same names are understood."""
    if isinstance(given, str) and given.startswith(asked.SESSION):
        return given.removeprefix(asked.SESSION)
    if isinstance(given, str) and given.startswith("$") and not given.startswith((*_OF_CUSTOMERS, asked.CUSTOMER)):
        return _OTHER_NAMES.get(given, given[1:])
    return given


def _known(name: str) -> str:
    if name.startswith(asked.CUSTOMER):
        raise ValueError(f"a session is no moment: ask {asked.CUSTOMER_NOW}{asked.rest(name)}, as it is now")
    if name.startswith(_OF_CUSTOMERS):
        if not asked.rest(name):
            raise ValueError("the name after it is missing")
    elif name not in COLUMNS:
        raise ValueError(f"is no field of a session that it can be broken down by{near(name, COLUMNS)}")
    return name


_NAME: Final = {"anyOf": [{"enum": list(COLUMNS)}, {"type": "string", "pattern": r"^\$(segment|customer_now)\..+$"}]}
Breakdown = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=1000), BeforeValidator(_column), AfterValidator(_known)]],
    Field(min_length=1, max_length=3),
    BeforeValidator(one_or_many),
    AfterValidator(each_once),
    PlainSerializer(alone),
    WithJsonSchema({"anyOf": [*_NAME["anyOf"], {"type": "array", "items": _NAME, "minItems": 1, "maxItems": 3}]}),
]


class Values:
    """The values of a breakdown: of fields in the order in which they are asked, then those of the customer's kind."""

    def __init__(self, asking: Asking, breakdown: list[str] | None, include_bots: bool) -> None:
        self.names: Final = breakdown or []
        self.columns: Final = [name for name in self.names if name in COLUMNS]
        self._reads: Final = {name: together([name]) for name in self.names if name.startswith(_OF_CUSTOMERS)}
        self.kinds: Final[dict[int, int]] = {}  # customer -> kind; 0: whoever is in no segment and told no trait
        self._texts: Final[list[tuple[str, ...]]] = [self._read(_NOBODYS)]
        if self._reads:
            self._judge(asking, include_bots)

    def _read(self, event: AskedEvent) -> tuple[str, ...]:
        return tuple(read(event, NOTHING) for read in self._reads.values())

    def _judge(self, asking: Asking, include_bots: bool) -> None:
        """Every customer about whom something is known gets his kind."""
        inside = {
            asked.rest(name): asking.members_of(asking, asked.rest(name))
            for name in self._reads
            if name.startswith(asked.SEGMENT)
        }
        told = {asked.rest(name) for name in self._reads if name.startswith(asked.CUSTOMER_NOW)}
        traits = traits_of(asking, told, include_bots) if told else {}
        numbers = {self._texts[0]: 0}
        for customer in frozenset(traits).union(*inside.values()):
            event = msgspec.structs.replace(
                _NOBODYS,
                segments=frozenset(name for name, members in inside.items() if customer in members),
                traits_now=traits[customer].now() if customer in traits else NOTHING,
            )
            texts = self._read(event)
            if texts not in numbers:
                numbers[texts] = len(self._texts)
                self._texts.append(texts)
            if numbers[texts]:
                self.kinds[customer] = numbers[texts]
        if len(self.kinds) > MOST_MEMBERS:
            why = f"this looks at more than {MOST_MEMBERS:,} customers: ask about narrower segments, or other traits"
            raise InvalidQuestion(why, field="breakdown", code="question_too_large")

    def bound(self) -> dict[str, Any]:
        """As the parameters of a statement."""
        known = self.kinds or {0: 0}
        return {
            "breakdown": self.columns,
            "by_customer": int(bool(self._reads)),
            "kind_of": list(known),
            "kinds": list(known.values()),
        }

    def together(self, fields: Sequence[str], kind: int) -> tuple[str | None, ...]:
        """The values in the order in which they are asked; None: none. What stands beyond the fields asked is none."""
        texts = dict(zip(self.columns, fields, strict=False)) | dict(zip(self._reads, self._texts[kind], strict=True))
        return tuple(texts[name] or None for name in self.names)

    def of(self, session: Session, customer: int) -> tuple[str | None, ...]:
        """Those of a session."""
        fields = [filters.text(asked.SESSION_PROPERTIES[name](session)) for name in self.columns]
        return self.together(fields, self.kinds.get(customer, 0))


def written(values: tuple[str | None, ...]) -> str | None:
    """One value as it is, several as a JSON array; None where there is none."""
    return values[0] if len(values) == 1 else combined([one or "" for one in values]) or None
