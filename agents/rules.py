"""The definitions as agents use them: compiled once for each snapshot."""

from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple

from pipeline.domain.funnels import FunnelPlan, followed
from pipeline.domain.goals import GoalSet, compile_goals
from pipeline.store.definitions import Snapshot
from schemas.definitions import Project


class OfProject(NamedTuple):
    project: Project
    goals: GoalSet
    named: frozenset[str]  # see `named_events`


class Rules:
    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._projects: dict[str, Project] = dict(snapshot.projects)
        self._goals: dict[str, GoalSet] = {}
        self._funnels: dict[str, tuple[FunnelPlan, ...]] = {}
        self._named: dict[str, frozenset[str]] = {}
        self._of: dict[str, OfProject] = {}

    @cached_property
    def projects(self) -> Mapping[str, Project]:
        return self._projects

    def project(self, name: str) -> Project:
        """The project, or one with every default where it has been deleted since."""
        found = self._projects.get(name)
        if found is None:
            found = self._projects[name] = Project(name)
        return found

    def of(self, name: str) -> OfProject:
        """What every device of a turn is asked with, in one look."""
        found = self._of.get(name)
        if found is None:
            found = self._of[name] = OfProject(self.project(name), self.goal_set(name), self.named_events(name))
        return found

    def goal_set(self, name: str) -> GoalSet:
        if name not in self._goals:
            self._goals[name] = compile_goals(self.snapshot.goals.get(name, ()), self.project(name).currency)
        return self._goals[name]

    def funnels(self, name: str) -> tuple[FunnelPlan, ...]:
        if name not in self._funnels:
            self._funnels[name] = followed(self.snapshot.funnels.get(name, ()))
        return self._funnels[name]

    def funnel_events(self, name: str) -> frozenset[str]:
        """Events that a saved funnel names ("*": all)."""
        return frozenset().union(*(funnel.events for funnel in self.funnels(name)))

    def named_events(self, name: str) -> frozenset[str]:
        """Events that a goal or a saved funnel names ("*": all): journeys must hear of each."""
        if name not in self._named:
            self._named[name] = self.goal_set(name).events | self.funnel_events(name)
        return self._named[name]
