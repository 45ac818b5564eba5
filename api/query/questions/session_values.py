"""What `sessions` and `bounce` are broken down by: fields of the session, segments and traits of its customer.

    channel, entry_page ...   fields of its entry (exit_page: of its end); also with $ or $session. before them
    $segment.NAME             true or false: whether its customer is in that segment now
    $customer_now.NAME        a trait of its customer as it is now
    $stage_now                what its customer is now

The statement groups by the fields' texts and by the kind of customer: customers of one kind have the same segments and
traits. Which kind has which is this module's to know.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from api.query.errors import near
from api.query.questions.customer_kinds import PATTERN, PREFIXES, Kinds, of_customer
from api.query.questions.model import Asking
from api.query.questions.session_texts import column_of
from api.query.questions.steps import alone, each_once, one_or_many
from pipeline.domain import asked, filters
from schemas.facts import Session

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


def column(given: object) -> object:
    """Funnels write columns with a $ before them; here the same names are understood."""
    if isinstance(given, str) and given.startswith(asked.SESSION):
        return given.removeprefix(asked.SESSION)
    if (
        isinstance(given, str)
        and given.startswith("$")
        and not given.startswith((*PREFIXES, asked.CUSTOMER, asked.STAGE))
    ):
        return _OTHER_NAMES.get(given, given[1:])
    return given


def _known(name: str) -> str:
    if name.startswith(asked.CUSTOMER):
        raise ValueError(f"a session is no moment: ask {asked.CUSTOMER_NOW}{asked.rest(name)}, as it is now")
    if name.startswith((*PREFIXES, asked.STAGE)):
        return of_customer(name)
    if name not in COLUMNS:
        raise ValueError(f"is no field of a session that it can be broken down by{near(name, COLUMNS)}")
    return name


_NAME: Final = {"anyOf": [{"enum": list(COLUMNS)}, {"type": "string", "pattern": PATTERN}]}
Breakdown = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=1000), BeforeValidator(column), AfterValidator(_known)]],
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
        self.kinds: Final = Kinds(asking, [name for name in self.names if name.startswith(PREFIXES)], include_bots)

    def bound(self) -> dict[str, Any]:
        """As the parameters of a statement that has a part for each of `columns`."""
        fields = {f"field_{number}": column_of(name) for number, name in enumerate(self.columns, 1)}
        return {**fields, "by_customer": int(bool(self.kinds.names)), **self.kinds.bound()}

    def together(self, fields: Sequence[str], kind: int) -> tuple[str | None, ...]:
        """The values in the order in which they are asked; None: none."""
        texts = dict(zip(self.columns, fields, strict=True))
        texts |= dict(zip(self.kinds.names, self.kinds.texts[kind], strict=True))
        return tuple(texts[name] or None for name in self.names)

    def of(self, session: Session, customer: int) -> tuple[str | None, ...]:
        """Those of a session."""
        fields = [filters.text(asked.SESSION_PROPERTIES[name](session)) for name in self.columns]
        return self.together(fields, self.kinds.kinds.get(customer, 0))
