"""Where a session's fields are stored: the columns that statements read what filters and breakdowns name from."""

from collections.abc import Sequence
from typing import Final

from pipeline.domain.asked import SESSION_PROPERTIES

_OTHERS: Final = {
    "source": "utm_source", "medium": "utm_medium", "campaign": "utm_campaign", "referrer": "referrer_host",
    "entry_page": "entry_path", "exit_page": "exit_path", "value": "value_micros", "bounced": "bounced_engaged",
}  # fmt: skip
_COLUMNS: Final = {name: _OTHERS.get(name, name) for name in SESSION_PROPERTIES}


def column_of(name: str) -> str:
    """The column of the table `sessions` that has this one of SESSION_PROPERTIES; KeyError for any other name."""
    return _COLUMNS[name]


def texts_bound(names: Sequence[str]) -> dict[str, str]:
    """As the parameters of a statement that has a part for the text of each (session_texts.part.sql)."""
    told = {f"property_{number}": name for number, name in enumerate(names, 1)}
    return told | {f"column_{number}": column_of(name) for number, name in enumerate(names, 1)}
