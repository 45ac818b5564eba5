"""Cells of `paths`: the paths that go through a node or along a link."""

from collections import Counter
from typing import Literal

from pydantic import Field

from api.query.explain.cases import Cases, Mark, marked
from api.query.explain.groups import OfGroup
from api.query.questions import owned, paths
from api.query.questions.model import Asking
from api.query.questions.nodes import kept_of, node_id
from api.query.questions.paths import PathsQuestion, visits_of
from pipeline.domain.paths import Trace, traces
from pipeline.errors import InvalidQuestion


class PathsCell(OfGroup):
    """A node or a link; without either all paths; of one group or of all."""

    node: str | None = Field(None, max_length=2000, description="id of a node")
    part: Literal["all", "begins", "ends"] = Field("all", description="of a node: the paths that begin or end there")
    source: str | None = Field(None, max_length=2000, description="id of the node that a link comes from")
    target: str | None = Field(None, max_length=2000, description="id of the node that a link goes to")


def of_paths(asking: Asking, question: PathsQuestion, cell: PathsCell) -> Cases:
    if (cell.source is None) != (cell.target is None) or (cell.node is not None and cell.source is not None):
        raise InvalidQuestion("name a node, or source and target of a link", field="cell")
    if cell.part != "all" and cell.node is None:
        raise InvalidQuestion("paths begin and end at a node: name it", field="cell.node")
    cell.check(question.breakdown)
    asked, rules = question.range(asking.now), paths.rules_of(question)
    found = [
        (actor, trace)
        for actor, visits in visits_of(asking, question, asked)
        for trace in traces(visits, rules, asked.start, asked.end)
    ]
    kept = kept_of(Counter((trace.path(),) for _, trace in found), question.fan_out)
    texts = cell.texts(Counter(trace.group() for _, trace in found), question.limit)
    whose = owned.customers_of_sessions(asking, asked) if question.within == "sessions" else {}
    cases = []
    for actor, trace in found:
        ids = [node_id((level, name if (level, name) in kept else None)) for level, name in _places(trace)]
        if (texts is None or trace.group() in texts) and _is_in(ids, cell) and _is_whole(trace, question, cell):
            marks = (Mark(visit.at, visit.message, node) for visit, node in zip(trace.visits, ids, strict=True))
            cases.append(marked(whose.get(actor, actor), marks))
    return Cases("paths", cases, paths.definitions(asking, question))


def _places(trace: Trace) -> list[tuple[int, str]]:
    return [(level, visit.name) for level, visit in enumerate(trace.visits, trace.level)]


def _is_in(ids: list[str], cell: PathsCell) -> bool:
    if cell.source is not None and cell.target is not None:
        return (cell.source, cell.target) in zip(ids, ids[1:], strict=False)
    if cell.node is None:
        return True
    return {"all": cell.node in ids, "begins": ids[0] == cell.node, "ends": ids[-1] == cell.node}[cell.part]


def _is_whole(trace: Trace, question: PathsQuestion, cell: PathsCell) -> bool:
    """Whether a path that begins or ends at the node does so of itself, not because of the depth."""
    if cell.part == "begins":
        return question.point()[0] in ("ends_at", "through") and trace.level > 1 - question.depth
    if cell.part == "ends":
        last = trace.level + len(trace.visits) - 1
        return question.point()[0] != "ends_at" and last < question.depth - 1
    return True
