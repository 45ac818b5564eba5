"""What a definition must be before it is stored: names, zones, currencies, steps and windows."""

import re
from collections.abc import Sequence
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pipeline.errors import UserMistake
from schemas.definitions import Filter, Funnel, Goal, Key, Project

MAX_STEPS = 32
_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_NAME = re.compile(r"\S(?:.{0,98}\S)?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_HASH = re.compile(r"[0-9a-f]{64}")
_LISTS = ("in", "not_in", "between")
_ORDERED = ("gt", "gte", "lt", "lte")


def check_definition(definition: Project | Key | Goal | Funnel) -> None:
    """Raises UserMistake with the field that is wrong and what would be right."""
    if isinstance(definition, Project):
        _check_project(definition)
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
    elif isinstance(definition, Goal):
        _check_events(definition.events, "events")
        _check_filters(definition.where, "where")
        _check(not definition.currency or bool(_CURRENCY.fullmatch(definition.currency)), "currency", _A_CURRENCY)
    else:
        _check_funnel(definition)


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
        project.sessions.cap_ms >= project.sessions.gap_ms,
        "sessions.cap_ms",
        "the cap of a session's length is not less than the gap",
    )
    _check(project.retention_days is None or project.retention_days > 0, "retention_days", "at least one day")
    _check(project.lateness_ms is None or project.lateness_ms > 0, "lateness_ms", "more than 0 ms")


def _check_funnel(funnel: Funnel) -> None:
    _check(1 <= len(funnel.steps) <= MAX_STEPS, "steps", f"a funnel has 1 to {MAX_STEPS} steps")
    _check(funnel.window_ms > 0, "window_ms", "the window is more than 0 ms")
    for number, step in enumerate(funnel.steps):
        _check_events(step.events, f"steps[{number}].events")
        _check_filters(step.where, f"steps[{number}].where")


def _check_events(events: Sequence[str], field: str) -> None:
    _check(bool(events) and all(events), field, "at least one event's name, or *")


def _check_filters(filters: Sequence[Filter], field: str) -> None:
    for number, one in enumerate(filters):
        where, operator, value = f"{field}[{number}]", one.operator, one.value
        _check(bool(one.property), f"{where}.property", "the name of a property, or $column")
        if operator in _LISTS:
            _check(isinstance(value, (list, tuple)) and len(value) > 0, f"{where}.value", f"{operator} wants a list")
        if operator == "between":
            _check(len(value) == 2, f"{where}.value", "between wants two values, the least and the greatest")
        if operator in _ORDERED:
            _check(isinstance(value, (int, float, str)), f"{where}.value", f"{operator} wants a number or a text")
        if operator == "regex":
            _check_pattern(value, f"{where}.value")


def _check_pattern(value: object, field: str) -> None:
    try:
        re.compile(str(value))
    except re.error as error:
        raise UserMistake(f"{value!r} is no regular expression: {error}", field=field) from error
