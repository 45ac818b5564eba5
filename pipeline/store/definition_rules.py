"""What a definition must be before it is stored: names, zones, currencies, steps and windows."""

import re
from collections.abc import Sequence
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pipeline.domain import asked, filters
from pipeline.domain.funnels import compile_funnel
from pipeline.domain.segments import check_conditions
from pipeline.errors import UserMistake
from pipeline.ingest.mapping.mapping import mapping
from schemas.definitions import Decision, Funnel, Goal, Key, Privacy, Project, Segment, Survey, Webhook

MAX_STEPS = 32
MOST_CAP_MS = 366 * 86_400_000
_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_NAME = re.compile(r"\S(?:.{0,98}\S)?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_HASH = re.compile(r"[0-9a-f]{64}")
_ALIAS = re.compile(r"[a-z0-9]{2,20}:[^\s:][^\s]{0,199}")
MOST_ALIASES = 20
_ID = re.compile(r"[0-9a-f]{16}")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
MOST_WAIT_MS = 3_600_000  # a survey's
_ORIGIN = re.compile(r"null|https?://(\*\.)?[a-z0-9.-]+(:\d{1,5})?|[a-z][a-z0-9+.-]*://[a-z0-9.-]+")
MOST_WORDS = 1000  # characters of a reason


def check_definition(definition: Project | Key | Goal | Funnel | Segment | Survey | Decision | Webhook) -> None:
    """Raises UserMistake with the field that is wrong and what would be right."""
    if isinstance(definition, Project):
        _check_project(definition)
        return
    if isinstance(definition, Webhook):
        _check(bool(_SLUG.fullmatch(definition.name)), "name", "a webhook is named like a project: a-z, 0-9, - and _")
        mapping(definition.mapping)
        return
    if isinstance(definition, Decision):
        _check_decision(definition)
        return
    _check(
        bool(_NAME.fullmatch(definition.name)) and definition.name.isprintable(),
        "name",
        "a name has 1 to 100 printable characters, and no space at its ends",
    )
    if isinstance(definition, Key):
        _check(
            bool(_SLUG.fullmatch(definition.source)), "source", "a source is named like a project: a-z, 0-9, - and _"
        )
        _check(bool(_HASH.fullmatch(definition.hash)), "hash", "a key is stored as its SHA-256 in hex")
        is_alias = all(_ALIAS.fullmatch(alias) for alias in definition.aliases)
        _check(is_alias and len(definition.aliases) <= MOST_ALIASES, "aliases", _AN_ALIAS)
        _check_origins(definition.origins)
    elif isinstance(definition, Goal):
        _check_goal(definition)
    elif isinstance(definition, Segment):
        check_conditions(definition)
    elif isinstance(definition, Survey):
        _check_survey(definition)
    else:
        _check_funnel(definition)


_AN_ALIAS = f"at most {MOST_ALIASES} aliases, each a protocol and what its clients call the site, as matomo:1"
_A_CURRENCY = "a currency is three letters, as EUR"


def _check(holds: bool, field: str, message: str) -> None:
    if not holds:
        raise UserMistake(message, field=field)


def _check_project(project: Project) -> None:
    _check(
        bool(_SLUG.fullmatch(project.name)),
        "name",
        "a project's name has 1 to 63 of a-z, 0-9, - and _, and begins with a letter or digit",
    )
    try:
        ZoneInfo(project.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UserMistake(f"{project.zone!r} is no time zone; one is Europe/Berlin", field="zone") from error
    _check(bool(_CURRENCY.fullmatch(project.currency)), "currency", _A_CURRENCY)
    _check(project.sessions.gap_ms > 0, "sessions.gap_ms", "the gap between sessions is more than 0 ms")
    _check(
        project.sessions.gap_ms <= project.sessions.cap_ms <= MOST_CAP_MS,
        "sessions.cap_ms",
        f"the cap of a session's length is not less than the gap, and {MOST_CAP_MS} ms (366 days) at most",
    )
    _check(project.lateness_ms is None or project.lateness_ms > 0, "lateness_ms", "more than 0 ms")
    _check_origins(project.origins)
    _check_privacy(project.privacy)


def _check_origins(origins: Sequence[str]) -> None:
    told = (
        "an origin is as a browser sends it, as https://shop.example, https://*.shop.example or http://localhost:3000"
    )
    _check(all(map(_ORIGIN.fullmatch, origins)), "origins", told)


def _check_privacy(privacy: Privacy) -> None:
    _check(bool(_NAME.fullmatch(privacy.purpose)), "privacy.purpose", "a purpose of consent, as analytics")
    for field in ("url_parameters", "allowed_properties", "dropped_properties", "hashed_properties"):
        names: tuple[str, ...] = getattr(privacy, field)
        _check(all(map(_NAME.fullmatch, names)), f"privacy.{field}", "a name has 1 to 100 characters")


def _check_decision(decision: Decision) -> None:
    _check(bool(_ID.fullmatch(decision.name)), "name", "a decision's id is 16 hex digits")
    told = [decision.reason, decision.revoked_reason] if decision.revoked else [decision.reason]
    _check(all(0 < len(text.strip()) <= MOST_WORDS for text in told), "reason", f"say why, in {MOST_WORDS} characters")
    _check(decision.one > 0 and decision.one != decision.other, "identifier", "this takes two different identifiers")
    _check(decision.other > 0 or decision.action == "ignore", "identifier", "this takes two different identifiers")


def _check_survey(survey: Survey) -> None:
    _check(bool(survey.question.strip()), "question", "a survey asks something")
    _check(bool(_COLOUR.fullmatch(survey.accent)), "accent", "a colour is # and six hex digits, as #1f5fbf")
    _check(0 <= survey.after_ms <= MOST_WAIT_MS, "after_ms", f"0 to {MOST_WAIT_MS} ms (an hour)")
    _check(survey.every_days > 0, "every_days", "at least a day lies between two")


def _check_funnel(funnel: Funnel) -> None:
    _check(1 <= len(funnel.steps) <= MAX_STEPS, "steps", f"a funnel has 1 to {MAX_STEPS} steps")
    _check(funnel.window_ms > 0, "window_ms", "the window is more than 0 ms")
    for number, step in enumerate(funnel.steps):
        _check_events(step.events, f"steps[{number}].events")
        filters.compile(step.where, f"steps[{number}].where")
    compile_funnel(funnel)


_ITS_EVENT_ALONE = (
    "a conversion is decided by its event alone, and sessions, traits and segments change with time: "
    "save a funnel, or ask about it"
)


def _check_goal(goal: Goal) -> None:
    _check_events(goal.events, "events")
    filters.compile(goal.where, "where")
    named = [(f"where[{number}].property", one.property) for number, one in enumerate(goal.where)]
    for field, name in (*named, ("value_property", goal.value_property)):
        _check(not asked.is_asked(name), field, _ITS_EVENT_ALONE)
    _check(not goal.currency or bool(_CURRENCY.fullmatch(goal.currency)), "currency", _A_CURRENCY)


def _check_events(events: Sequence[str], field: str) -> None:
    _check(bool(events) and all(events), field, "at least one event's name, or *")
