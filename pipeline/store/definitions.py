"""What users define: projects, keys, goals, funnels, segments, surveys, decisions: versioned rows of `definitions`.

A change is a row with the next version; taking something back is a row that says so. Nothing is ever overwritten, so
an answer can name the version that it used. Readers take a snapshot: immutable, in memory, the same object until
`refresh` finds a change.
"""

import hashlib
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, TypeVar

import msgspec

from pipeline.errors import NotFound, StoreRefused, UserMistake
from pipeline.store.definition_rules import check_definition
from pipeline.store.port import Store
from pipeline.store.sql import load
from schemas.definitions import Decision, Funnel, Goal, Key, Project, Segment, Survey, Webhook

Definition = Project | Key | Goal | Funnel | Segment | Survey | Decision | Webhook
Kind = Literal["project", "key", "goal", "funnel", "segment", "survey", "decision", "webhook"]
KeyKind = Literal["write", "read", "admin", "bi"]
SourceKind = Literal["browser", "app", "server", "vendor", "import"]
Saved = TypeVar("Saved", Project, Key, Goal, Funnel, Segment, Survey, Decision, Webhook)

_KINDS: dict[str, type[Definition]] = {
    "project": Project,
    "key": Key,
    "goal": Goal,
    "funnel": Funnel,
    "segment": Segment,
    "webhook": Webhook,
    "decision": Decision,
    "survey": Survey,
}
# Made here, by one thread: msgspec works a type out at its first use, and a process has stood still while two
# threads read their first definitions, both in the midst of that.
_DECODERS: dict[str, msgspec.json.Decoder[Definition]] = {kind: msgspec.json.Decoder(of) for kind, of in _KINDS.items()}
SIGNER_DIGITS = 16  # of a key's hash: its name in links of mails
_Place = tuple[str, str, str]  # project, kind, name


@dataclass(frozen=True)
class Snapshot:
    """All definitions in force. `version` grows with every change, taking back included."""

    version: int = 0
    projects: Mapping[str, Project] = field(default_factory=dict)  # by name
    keys: Mapping[str, Key] = field(default_factory=dict)  # by SHA-256 of the key, hex; revoked ones are left out
    aliases: Mapping[str, Key] = field(default_factory=dict)  # the same by their aliases
    signers: Mapping[str, Key] = field(default_factory=dict)  # of links in mails, by the start of the hash
    goals: Mapping[str, tuple[Goal, ...]] = field(default_factory=dict)  # by project, in the order of their names
    funnels: Mapping[str, tuple[Funnel, ...]] = field(default_factory=dict)
    segments: Mapping[str, tuple[Segment, ...]] = field(default_factory=dict)
    webhooks: Mapping[str, tuple[Webhook, ...]] = field(default_factory=dict)
    decisions: Mapping[str, tuple[Decision, ...]] = field(default_factory=dict)  # revoked ones are left out
    surveys: Mapping[str, tuple[Survey, ...]] = field(default_factory=dict)


class Former(NamedTuple):
    """A version of a definition."""

    version: int
    saved_at: int  # UTC ms
    is_taken_back: bool  # with this version
    definition: Definition


class Definitions:
    """Thread-safe. Two processes that change the same definition at the same moment: the later one's stays."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._changing, self._reading = threading.Lock(), threading.Lock()
        self._versions: dict[_Place, int] = {}
        self._found: dict[_Place, Definition] = {}  # in force; revoked keys included
        self._snapshot: Snapshot | None = None

    def snapshot(self) -> Snapshot:
        """What `refresh` found last; reads the store only the first time."""
        return self._snapshot or self.refresh()

    def refresh(self) -> Snapshot:
        """Reads the store; the snapshot stays the same object where nothing has changed."""
        with self._reading:  # a read that began before a write must not end after the one that saw it
            rows = self._store.query(load("pipeline.store.statements", "definitions"))
            versions, found = {}, {}
            for project, kind, name, version, body, is_deleted in rows:
                place = project, kind, name
                versions[place] = version
                if not is_deleted and kind in _KINDS:
                    found[place] = _decoded(place, version, body)
            if self._snapshot is None or versions != self._versions or found != self._found:
                self._versions, self._found = versions, found
                self._snapshot = _snapshot(sum(versions.values()), found)
            return self._snapshot

    def projects(self) -> tuple[Project, ...]:
        return tuple(self.snapshot().projects.values())

    def project(self, name: str) -> Project:
        """Raises NotFound."""
        found = self.snapshot().projects.get(name)
        if found is None:
            raise NotFound(f"there is no project {name!r}", field="project")
        return found

    def keys(self, project: str) -> tuple[Key, ...]:
        """The project's keys, revoked ones too, in the order of their names."""
        self.project(project)
        return tuple(one for place, one in self._found.items() if place[0] == project and isinstance(one, Key))

    def goals(self, project: str) -> tuple[Goal, ...]:
        return self.snapshot().goals.get(self.project(project).name, ())

    def funnels(self, project: str) -> tuple[Funnel, ...]:
        return self.snapshot().funnels.get(self.project(project).name, ())

    def decisions(self, project: str) -> tuple[Decision, ...]:
        """The operators' decisions about identifiers, revoked ones too, oldest first."""
        self.project(project)
        found = (one for place, one in self._found.items() if place[0] == project and isinstance(one, Decision))
        return tuple(sorted(found, key=lambda one: (one.decided_at, one.name)))

    def history(self, kind: Kind, project: str, name: str) -> list[Former]:
        """Every version of a definition, oldest first; empty where there was never one of that name."""
        parameters = {"project": project, "kind": kind, "name": name}
        rows = self._store.query(load("pipeline.store.statements", "definition_versions"), parameters)
        place = project, kind, name
        return [Former(number, at, bool(gone), _decoded(place, number, body)) for number, at, gone, body in rows]

    def former(self, kind: Kind, project: str, name: str, version: int) -> Definition:
        """What a definition was from a version on. NotFound where there was none, or it was taken back with it."""
        for one in self.history(kind, project, name):
            if one.version == version and not one.is_taken_back:
                return one.definition
        raise NotFound(f"there was no version {version} of {kind} {name!r} that it could be again", field="version")

    def save(self, definition: Saved, project: str = "") -> Saved:
        """Writes the definition under its next version and returns it so. All but projects and keys need their project.

        Raises UserMistake (with the field that is wrong), NotFound where there is no such project.
        """
        check_definition(definition)
        place = _place(definition, project)
        with self._changing:
            self.refresh()
            if not isinstance(definition, Project):
                self.project(place[0])
            saved = msgspec.structs.replace(definition, version=self._versions.get(place, 0) + 1)
            self._write([(place, saved)], is_deleted=False)
        return saved

    def delete(self, kind: Kind, project: str, name: str) -> None:
        """Takes a definition back; a project with all that is defined in it. Its data stays. Raises NotFound."""
        with self._changing:
            self.refresh()
            gone = (project, kind, name)
            if gone not in self._found:
                raise NotFound(f"project {project!r} has no {kind} {name!r}", field="name")
            places = [place for place in self._found if place == gone or (kind == "project" and place[0] == name)]
            next_version = {place: self._versions[place] + 1 for place in places}
            taken = [(one, msgspec.structs.replace(self._found[one], version=next_version[one])) for one in places]
            self._write(taken, is_deleted=True)

    def new_key(
        self,
        project: str,
        kind: KeyKind,
        name: str,
        source: str = "web",
        source_kind: SourceKind = "browser",
        origins: tuple[str, ...] = (),
    ) -> tuple[str, Key]:
        """A new key of a project, and its record. The key is shown this once: only its hash is stored.

        Raises NotFound, or UserMistake where a key of that name is in force.
        """
        plain = f"wf_{kind}_{secrets.token_urlsafe(24)}"
        hashed = hashlib.sha256(plain.encode()).hexdigest()
        standing = [one for one in self.keys(project) if one.name == name and not one.revoked]
        if standing:
            raise UserMistake(f"project {project!r} has a key {name!r}: revoke it first", field="name", code="exists")
        key = Key(name, project, kind, hashed, source, source_kind, origins)
        return plain, self.save(key)

    def revoke(self, project: str, name: str) -> Key:
        """Raises NotFound. A revoked key stays in the list of keys and opens nothing."""
        for key in self.keys(project):
            if key.name == name:
                return self.save(msgspec.structs.replace(key, revoked=True))
        raise NotFound(f"project {project!r} has no key {name!r}", field="name")

    def set_secret(self, project: str, name: str, secret: str) -> Key:
        """Sets what a vendor signs its webhooks with; "" takes it off. Raises NotFound, UserMistake for a key whose
        source is no vendor.
        """
        found = self._standing(project, name)
        if found.kind != "write" or found.source_kind != "vendor":
            raise UserMistake("only write keys of sources of kind vendor have a signing secret", field="name")
        return self.save(msgspec.structs.replace(found, signing_secret=secret))

    def link_secret(self, project: str, name: str, *, anew: bool = False) -> Key:
        """The key with a secret that signs links of mails; made if need be, or `anew`: older links then count no more.

        Raises NotFound, UserMistake for a key of a source that is not trusted.
        """
        found = self._standing(project, name)
        if found.kind != "write" or found.source_kind not in ("server", "vendor"):
            raise UserMistake("only write keys of sources of kind server or vendor sign links", field="name")
        if found.link_secret and not anew:
            return found
        return self.save(msgspec.structs.replace(found, link_secret=secrets.token_urlsafe(32)))

    def _standing(self, project: str, name: str) -> Key:
        """The key of that name in force. Raises NotFound."""
        found = next((key for key in self.keys(project) if key.name == name and not key.revoked), None)
        if found is None:
            raise NotFound(f"project {project!r} has no key {name!r} in force", field="name")
        return found

    def set_aliases(self, project: str, name: str, aliases: tuple[str, ...]) -> Key:
        """Sets under which other names other trackers' clients send with a key; none takes them off.

        Raises NotFound; UserMistake for a key of a source that is trusted, as an alias can be guessed, and for an alias
        that another key has.
        """
        found = self._standing(project, name)
        if found.kind != "write" or found.source_kind not in ("browser", "app"):
            raise UserMistake("only write keys of browsers and apps have aliases: they can be guessed", field="name")
        for alias in aliases:
            other = self.refresh().aliases.get(alias)
            if other is not None and (other.project, other.name) != (project, name):
                raise UserMistake(f"another key has the alias {alias!r}", field="aliases", code="exists")
        return self.save(msgspec.structs.replace(found, aliases=tuple(dict.fromkeys(aliases))))

    def _write(self, definitions: list[tuple[_Place, Any]], *, is_deleted: bool) -> None:
        now = time.time_ns() // 1_000_000
        rows = [
            (*place, one.version, msgspec.json.encode(one).decode(), now, int(is_deleted)) for place, one in definitions
        ]
        self._store.insert("definitions", list(zip(*rows, strict=True)))
        self.refresh()


def _place(definition: Definition, project: str) -> _Place:
    if isinstance(definition, Project):
        return definition.name, "project", definition.name
    if isinstance(definition, Key):
        return definition.project, "key", definition.name
    if isinstance(definition, Decision):
        return project, "decision", definition.name
    if isinstance(definition, Webhook):
        return project, "webhook", definition.name
    if isinstance(definition, Segment):
        return project, "segment", definition.name
    if isinstance(definition, Survey):
        return project, "survey", definition.name
    return project, "goal" if isinstance(definition, Goal) else "funnel", definition.name


def _decoded(place: _Place, version: int, body: str) -> Definition:
    try:
        definition = _DECODERS[place[1]].decode(body)
    except msgspec.MsgspecError as error:
        project, kind, name = place
        raise StoreRefused(f"{kind} {name!r} of project {project!r} cannot be read: {error}") from error
    return msgspec.structs.replace(definition, version=version)


def _snapshot(version: int, found: Mapping[_Place, Definition]) -> Snapshot:
    projects = {one.name: one for one in found.values() if isinstance(one, Project)}
    keys = {one.hash: one for one in found.values() if isinstance(one, Key) and not one.revoked}
    keys = {hashed: key for hashed, key in keys.items() if key.project in projects}
    return Snapshot(
        version=version,
        projects=MappingProxyType(projects),
        keys=MappingProxyType(keys),
        aliases=MappingProxyType({alias: key for key in keys.values() for alias in key.aliases}),
        signers=MappingProxyType({key.hash[:SIGNER_DIGITS]: key for key in keys.values() if key.link_secret}),
        goals=MappingProxyType({name: tuple(_of(found, name, Goal)) for name in projects}),
        funnels=MappingProxyType({name: tuple(_of(found, name, Funnel)) for name in projects}),
        segments=MappingProxyType({name: tuple(_of(found, name, Segment)) for name in projects}),
        webhooks=MappingProxyType({name: tuple(_of(found, name, Webhook)) for name in projects}),
        surveys=MappingProxyType({name: tuple(_of(found, name, Survey)) for name in projects}),
        decisions=MappingProxyType(
            {name: tuple(one for one in _of(found, name, Decision) if not one.revoked) for name in projects}
        ),
    )


def _of(found: Mapping[_Place, Definition], project: str, kind: type[Saved]) -> Iterator[Saved]:
    for (owner, _, _), one in found.items():
        if owner == project and isinstance(one, kind):
            yield one
