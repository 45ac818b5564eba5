"""Paths that ClickHouse finds by itself: within sessions, no filter but one on the page's path, no groups of
pages, no breakdown.

It is one of two engines for one answer: pipeline/domain/paths.py says what a path is, and tests hold the two together.

The store sorts the visits, and they come once as columns of numbers (`paths_columns.py`). Where they would be more rows
than may come back, ClickHouse does the rest, too. Most sessions have a path that nobody else has, but an answer tells
few nodes of a level by name. So `paths_nodes.sql` finds those first, and `paths_plain.sql` groups sessions by their
paths with all other nodes made one.
"""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from api.query.questions import paths_columns
from api.query.questions.model import ROWS_OF_COLUMNS, Asking
from api.query.questions.nodes import Drawn, Found, drawn
from api.query.questions.ranges import BEGINNING, Range
from api.query.questions.steps import Filter
from pipeline.domain.filters import text
from pipeline.domain.paths import Path, PathRules

if TYPE_CHECKING:
    from api.query.questions.paths import PathsQuestion

_OTHER = ""  # the name of a node that is not told by name; no event and no page has it
_PATH = "$path"
_MIX, _WORD = 11400714819323198485, (1 << 64) - 1  # parts the nodes of different levels, as paths_plain.sql does


def is_plain(asking: Asking, question: "PathsQuestion") -> bool:
    """Whether the statement of this module answers the question."""
    point = question.point()[1]
    return (
        question.within == "sessions"
        and question.fold != "loops"
        and not question.pages
        and not question.breakdown
        and asking.only is None
        and all(_values(one) is not None for one in (point.where if point else ()))
    )


def told(asking: Asking, question: "PathsQuestion", rules: PathRules, asked: Range) -> Drawn:
    """The answer."""
    bound = _bound(asking, question, rules, asked)
    ((most,),) = asking.rows("paths_size", **bound)
    if most <= int(asking.limits["max_result_rows"]) * ROWS_OF_COLUMNS:
        return paths_columns.told(asking, rules, asked, bound, question.fan_out)
    found, kept = _found(asking, bound, question.fan_out)
    return drawn(found, rules, kept)


def _found(asking: Asking, bound: dict[str, Any], fan_out: int) -> tuple[Found, frozenset[tuple[int, str]]]:
    """The paths of a session, in no order, -> how many sessions have these very ones; and the nodes that are told by
    name. In the paths all others have one name."""
    nodes = asking.rows("paths_nodes", **bound, fan_out=fan_out)
    if not nodes:
        return Counter(), frozenset()
    names = [_OTHER, *(name for _, name, _ in nodes)]
    rows = asking.rows(
        "paths_plain",
        **bound,
        keys=[node ^ ((level + 16) * _MIX & _WORD) for level, _, node in nodes],
        numbers=list(range(1, len(names))),
    )
    paths = Counter(
        {tuple(Path(first, tuple(names[one] for one in way)) for first, way in ways): count for ways, count in rows}
    )
    return paths, frozenset((level, name) for level, name, _ in nodes)


def _bound(asking: Asking, question: "PathsQuestion", rules: PathRules, asked: Range) -> dict[str, Any]:
    """Parameters of the statements."""
    point, options = question.point()[1], asking.project.sessions
    paths = [_values(one) or frozenset() for one in (point.where if point else ())]
    names = ["*"] if question.events is None else [*question.events, *(point.events if point else ())]
    return Range(max(BEGINNING, asked.start - options.cap_ms), asked.end + options.cap_ms).bound() | {
        "sessions_from": max(BEGINNING, asked.start - 2 * options.cap_ms),
        "by_sender": int(options.sender_sessions),
        "bots": int(question.include_bots),
        "events": sorted(set(names)),
        "begin": asked.start,
        "end": asked.end,
        "depth": rules.depth,
        "forwards": int(rules.direction != "to"),
        "backwards": int(rules.direction in ("to", "through")),
        "from_beginning": int(rules.direction == "begin"),
        "repeats": int(rules.fold == "repeats"),
        "by_path": int(question.nodes != "events"),
        "pages_alone": int(question.nodes == "pages"),
        "has_point": int(point is not None),
        "at": point.events if point else [],
        "at_paths": int(bool(paths)),
        "paths": sorted(frozenset.intersection(*paths)) if paths else [],
        "makes": ["*"] if question.events is None else question.events,
        "without": question.without,
    }


def _values(one: Filter) -> frozenset[str] | None:
    """The paths that a filter lets through; None where it is not one that names them."""
    if one.property != _PATH or one.operator not in ("is", "in"):
        return None
    values: Sequence[object] = one.value if isinstance(one.value, list) else [one.value]
    return frozenset(map(text, values))
