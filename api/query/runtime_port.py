"""What the routes of questions need of the process they run in; `api.runtime.Runtime` gives it."""

from typing import Protocol

from pipeline.log.port import Log, LogWriter, Topic
from pipeline.settings import Settings
from pipeline.store.definitions import Definitions
from pipeline.store.port import Store
from schemas.definitions import Key


class Runtime(Protocol):
    @property
    def settings(self) -> Settings: ...

    @property
    def store(self) -> Store: ...

    @property
    def definitions(self) -> Definitions: ...

    @property
    def log(self) -> Log: ...

    @property
    def writer(self) -> LogWriter: ...

    def key(self, secret: str) -> Key | None:
        """The unrevoked key that this secret is; project "" = every project (the local token)."""

    def topic(self, name: str = ...) -> Topic:
        """A topic (`events`, `changes`, `pairs`) as it was a moment ago; LogUnavailable before it was ever seen."""
