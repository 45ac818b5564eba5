"""The parts of the pages that come from the code, so that they cannot say anything else than it.

    python -m docs.pages             writes them
    python -m docs.pages --check     names the pages that are not current; exit code 1 where there is one

A page holds `<!-- made: NAME -->`, then the part, then `<!-- /made -->`. Examples are written by docs.examples.
"""

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from agents import counters as worker
from api import health
from api.collect import counters
from api.collect import limits as limits_of
from api.collect.routes import BATCH, ROUTES
from api.collect.senders import IMPORT
from api.query import saved_segments
from api.query.explain import answer as explaining
from api.query.explain import routes as explain
from api.query.profiles import Profile
from api.query.questions import (
    bounce,
    catalogue,
    costs,
    divide,
    drop_off,
    drop_points,
    funnel,
    funnel_compared,
    journeys,
    lifecycle,
    paths,
    ranges,
    recent,
    rejected,
    retention,
    series,
    sessions,
    steps,
    stickiness,
    trend,
)
from api.query.saved import FunnelBody, GoalBody
from docs import senders
from docs.commands import commands
from docs.fields import fields, result
from docs.markdown import code, rows
from pipeline.domain import asked, filters, identifiers
from pipeline.ingest import acquisition, channel, properties
from pipeline.settings import table, variable
from schemas.rejects import REASONS
from schemas.tables import TABLES, Table
from schemas.views import VIEWS

HERE: Final = Path(__file__).resolve().parent
_MADE = re.compile(r"(<!-- made: (.+?) -->\n)(.*?)(<!-- /made -->)", re.DOTALL)

QUESTIONS: Final[Mapping[str, tuple[type[BaseModel], type[BaseModel]]]] = {
    "sessions": (sessions.SessionsQuestion, sessions.SessionsResult),
    "bounce": (bounce.BounceQuestion, bounce.BounceResult),
    "funnel": (funnel.FunnelQuestion, funnel_compared.FunnelCompared),
    "drop_points": (drop_points.DropPointsQuestion, drop_points.DropPointsResult),
    "divide": (divide.DivideQuestion, divide.DivideResult),
    "drop_off": (drop_off.DropOffQuestion, drop_off.DropOffResult),
    "paths": (paths.PathsQuestion, paths.PathsResult),
    "retention": (retention.RetentionQuestion, retention.RetentionResult),
    "stickiness": (stickiness.StickinessQuestion, stickiness.StickinessResult),
    "lifecycle": (lifecycle.LifecycleQuestion, lifecycle.LifecycleResult),
    "journeys": (journeys.JourneysQuestion, journeys.JourneysResult),
    "trend": (trend.TrendQuestion, trend.TrendResult),
    "costs": (costs.CostsQuestion, costs.CostsResult),
    "rejected": (rejected.RejectedQuestion, rejected.RejectedResult),
    "recent": (recent.RecentQuestion, recent.RecentResult),
    "catalogue": (catalogue.CatalogueQuestion, catalogue.CatalogueResult),
}
_RANGE: Final = ("from", "to", "last", "zone", "include_bots")  # what nearly all questions have
OTHERS: Final[Mapping[str, type[BaseModel]]] = {
    "goal": GoalBody, "saved funnel": FunnelBody, "step": steps.Step, "filter": steps.Filter,
    "exclusion": steps.Exclusion, "convert": funnel.Convert, "point": paths.Point, "pages": paths.Pages,
    "act": retention.Act, "series": series.Series,
    "segment": saved_segments.SegmentBody, "condition": saved_segments.Condition,
    **{f"cell of {name}": one.cell for name, one in explain.EXPLAINABLE.items()},
}  # fmt: skip


def settings() -> str:
    lines = [(code(variable(name)), _shown(each.default), each.metadata["help"]) for name, each in table().items()]
    return rows(("variable", "default", "meaning"), lines)


def _shown(default: object) -> str:
    if isinstance(default, bool):
        return str(default).lower()
    return "-" if default == "" else str(default)


def tables() -> str:
    return "\n".join(_table(each) for each in TABLES.values())


def _table(one: Table) -> str:
    partition = f" Partitions: {code(one.partition_by)}." if one.partition_by else ""
    head = f"## {one.name}\n{one.description}.\n\nSorted by {code(', '.join(one.order_by))}.{partition}\n\n"
    lines = [(code(each.name), code(each.type), each.description) for each in one.columns]
    lines += [(code(each.name), code(each.type), f"{each.description} (computed)") for each in one.computed]
    return head + rows(("column", "type", "meaning"), lines)


def views() -> str:
    return "\n".join(
        f"### {view.name}\n{view.description}.\n\n"
        + rows(
            ("column", "type", "meaning"), [(code(one.name), code(one.type), one.description) for one in view.columns]
        )
        for view in VIEWS.values()
    )


def reasons() -> str:
    return rows(("reason", "meaning"), [(code(name), meaning) for name, meaning in REASONS.items()])


def routes() -> str:
    by_kind: dict[str, list[str]] = {}
    for path, kind in ROUTES.items():
        by_kind.setdefault(kind, []).append(code(path))
    one = "one event; its `type` is the route's where it names none"
    told = {BATCH: 'events in `{"batch": [...]}`', IMPORT: "the same, or one event a line (NDJSON)"}
    return rows(("route", "body"), [(", ".join(paths), told.get(kind, one)) for kind, paths in by_kind.items()])


def limits() -> str:
    own, known = limits_of.Limits(), {name: each.default for name, each in table().items()}
    lines = [
        ("request body, unpacked", f"{known['max_body_bytes']:,} bytes", variable("max_body_bytes")),
        ("the same of an import", f"{known['max_import_bytes']:,} bytes", variable("max_import_bytes")),
        ("one event", f"{known['max_event_bytes']:,} bytes", variable("max_event_bytes")),
        ("events in a batch", f"{own.events:,}", ""),
        ("time for a whole body", f"{own.read_s:g} s", ""),
        ("bytes that wait for the log", f"{known['queue_bytes']:,}", variable("queue_bytes")),
        ("properties of an event, nested ones too", f"{properties.MAX_PROPERTIES:,}", ""),
        ("depth of nested objects", f"{properties.MAX_DEPTH}", ""),
    ]
    return rows(
        ("what", "at most", "setting"), [(what, most, code(name) if name else "") for what, most, name in lines]
    )


def metrics() -> str:
    told = {**counters.HELP, **health.HELP, **worker.HELP}
    return rows(("metric", "meaning"), [(code(name), meaning) for name, meaning in sorted(told.items())])


def columns() -> str:
    return ", ".join(code(f"${name}") for name in sorted(filters.COLUMNS)) + ".\n"


def session_properties() -> str:
    return ", ".join(code(name) for name in asked.SESSION_PROPERTIES) + ".\n"


def placeholders() -> str:
    return ", ".join(code(word) for word in sorted(identifiers._PLACEHOLDERS)) + ".\n"


def channels() -> str:
    lines = [(code(name), ", ".join(words)) for name, words in channel._SYNONYMS.items()]
    return rows(("channel", "words of senders that mean it"), lines)


def passive() -> str:
    return ", ".join(code(name) for name in sorted(channel.PASSIVE)) + ".\n"


def click_ids() -> str:
    lines = [(code(name), network, code(group)) for name, (network, group) in acquisition.CLICK_IDS.items()]
    return rows(("parameter", "network", "acquisition"), lines)


def groups() -> str:
    return ", ".join(code(name) for name in acquisition.GROUPS) + ".\n"


PARTS: Final[Mapping[str, Callable[[], str]]] = {
    each.__name__: each
    for each in (
        *(settings, tables, views, reasons, routes, limits, commands, metrics),
        *(columns, session_properties, placeholders, channels, passive, click_ids, groups),
        *(senders.vendors, senders.webhooks, senders.protocols, senders.protocol_events),
        *(senders.exports, senders.mapping, senders.signed_link, senders.cost_networks, senders.vocabulary),
    )
}


def part(name: str) -> str:
    """The part of that name: one of PARTS, `question NAME`, `answer NAME`, or `fields of NAME`."""
    if name in PARTS:
        return PARTS[name]()
    kind, _, what = name.partition(" ")
    linked = OTHERS.values()
    if kind == "question":
        return fields(QUESTIONS[what][0], linked, _RANGE)
    if kind == "answer":
        return result(QUESTIONS[what][1], linked)
    what = what.removeprefix("of ")
    if what == "range":
        return fields(ranges.Counted, linked)
    told: Mapping[str, type[BaseModel]] = {"customer": Profile, "explain": explaining.Explained}
    return result(told[what], linked) if what in told else fields(OTHERS[what], linked)


def current(page: Path) -> str:
    """The page as it has to be."""
    return _MADE.sub(lambda match: match[1] + part(match[2]) + match[4], page.read_text("utf-8"))


def pages() -> list[Path]:
    return sorted(HERE.glob("*.md"))


def main(arguments: Sequence[str]) -> int:
    stale = [page for page in pages() if current(page) != page.read_text("utf-8")]
    for page in stale:
        print(page.name)
        if "--check" not in arguments:
            page.write_text(current(page), "utf-8")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
