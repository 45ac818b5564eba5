"""Bounce: named predicates over a session's stored figures, None where it has no view.

The same as the columns bounced_* of table `sessions`, name by name; a test holds them together.
"""

from collections.abc import Callable
from typing import Final

from schemas.facts import Session

ENGAGED_MS: Final = 10_000
BRIEF_MS: Final = 10_000


def engaged(session: Session) -> bool | None:
    """GA4's, the default: neither engaged for 10 s nor a conversion nor two views."""
    if not session.views:
        return None
    return not (session.engaged_ms >= ENGAGED_MS or session.conversions > 0 or session.views >= 2)


def no_interaction(session: Session) -> bool | None:
    """PostHog's: one view, no interaction, under 10 s from first to last event."""
    if not session.views:
        return None
    return session.views == 1 and session.interactions == 0 and duration_ms(session) < BRIEF_MS


def single_page(session: Session) -> bool | None:
    """One view and no interaction."""
    return session.views == 1 and session.interactions == 0 if session.views else None


def single_event(session: Session) -> bool | None:
    """One event, a view."""
    return session.events == 1 if session.views else None


def duration_ms(session: Session) -> int:
    """From first to last event, never negative."""
    return max(0, session.last_at - session.started_at)


BOUNCES: Final[dict[str, Callable[[Session], bool | None]]] = {
    "engaged": engaged,
    "no_interaction": no_interaction,
    "single_page": single_page,
    "single_event": single_event,
}
