"""What the steps need of a project."""

from sys import intern

import msgspec

from pipeline.ingest.redaction import redaction_of
from schemas.definitions import Project


class Rules(msgspec.Struct, frozen=True, eq=False):
    """What the steps need of a project. One is itself alone, so that caches can be keyed by it cheaply."""

    project: str = ""
    not_referrers: tuple[str, ...] = ()  # own domains and payment providers, lower case
    lateness_ms: int | None = None
    parameters: frozenset[str] | None = None  # of pages' addresses, that are kept; None: all


def rules_of(project: Project) -> Rules:
    domains = (*project.own_domains, *project.payment_providers)
    hosts = tuple(d.strip().lower().removeprefix("www.") for d in domains if d.strip())
    # Interned: cached sessions of 100,000 devices would hold 100,000 names of the same project.
    return Rules(intern(project.name), hosts, project.lateness_ms, redaction_of(project.privacy).parameters)
