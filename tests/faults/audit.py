"""The audit: each acknowledged (project, device key, message id) is counted once, in `events` or in `rejected`."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from pipeline.domain.identifiers import Kind, identifier
from pipeline.ingest.steps import message_hash
from tests.scenarios.project import Event, Project

Id = tuple[int, int]  # device, message


class Audit(NamedTuple):
    acknowledged: int  # different ids
    accepted: int
    rejected: int
    lost: list[Id]
    twice: list[Id]  # more than one row, in one table or over both
    unknown: list[Id]  # rows of what nobody was told was taken


STATEMENTS = (
    "SELECT device, message_id FROM events FINAL WHERE project = {project:String}",
    "SELECT device, message_id FROM rejected FINAL WHERE project = {project:String}",
)


def audited(project: Project, acknowledged: Iterable[Event]) -> Audit:
    """What became of the events that were answered with 200. Ask when the logs are drained."""
    return of_rows({_id(project.name, event) for event in acknowledged}, *project.rows(*STATEMENTS))


def of_rows(wanted: set[Id], events: list[tuple[Any, ...]], rejected: list[tuple[Any, ...]]) -> Audit:
    counts: Counter[Id] = Counter()
    for device, message in (*events, *rejected):
        counts[device, message] += 1
    return Audit(
        acknowledged=len(wanted),
        accepted=len(events),
        rejected=len(rejected),
        lost=sorted(wanted - set(counts)),
        twice=sorted(each for each, count in counts.items() if count > 1),
        unknown=sorted(set(counts) - wanted),
    )


def _id(project: str, event: Event) -> Id:
    return identifier(project, Kind.device, event["anonymousId"]), message_hash(project, event["messageId"])


def clean(project: Project, acknowledged: list[Event], *, also: list[Event] | None = None) -> None:
    """Waits until all is done; then nothing is lost, nothing is there twice, and `verify --all` finds no difference.

    `also`: what was sent and not acknowledged, which may be there, once, or not.
    """
    project.house.drained()
    report = project.proof()
    assert report["differences"] == 0, report["examples"][:5]
    audit = audited(project, acknowledged)
    assert (audit.lost, audit.twice) == ([], []), audit
    assert set(audit.unknown) <= {_id(project.name, event) for event in also or ()}, audit
    assert audit.accepted + audit.rejected == audit.acknowledged + len(audit.unknown)
    assert audit.accepted > audit.rejected > 0, "the load is to hold events of both kinds"
