"""An event loop whose time passes at once: whoever sleeps for a minute is woken as soon as nobody else can run."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


THREAD_SECONDS = 10.0


class _Selector(selectors.SelectSelector):
    """Waits for threads only: the time that a loop would have waited has passed."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            found = super().select(THREAD_SECONDS)
            assert found, "everybody waits for somebody else"
            return found
        self.passed += timeout
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """`time()` begins at 0."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.passed

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Waits for threads without a limit: Python 3.12 and later give one, which would be over at once."""
        await super().shutdown_default_executor()


def run(main: Coroutine[Any, Any, T]) -> T:
    """The coroutine's result, in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
