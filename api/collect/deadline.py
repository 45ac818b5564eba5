"""How long reading a body may take, by one timer for all requests: one of its own costs more than most reads."""

import asyncio


class ReadDeadline:
    """Cancels a task that has been reading for longer than `seconds`, at most a fifth of them later.

    begin(task); try: read; except CancelledError: has_cut(task)?; finally: end(task)
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._since: dict[asyncio.Task[object], float] = {}  # reading tasks, the oldest first
        self._cut: set[asyncio.Task[object]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, task: "asyncio.Task[object]") -> None:
        loop = task.get_loop()
        self._since[task] = loop.time()
        if self._timer is None:
            self._timer = loop.call_later(self.seconds, self._look, loop)

    def end(self, task: "asyncio.Task[object]") -> None:
        del self._since[task]
        self._cut.discard(task)

    def has_cut(self, task: "asyncio.Task[object]") -> bool:
        """Whether a cancellation of the task came from here alone; it counts as handled then."""
        return task in self._cut and task.uncancel() == 0

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        begun = loop.time() - self.seconds
        for task, since in self._since.items():
            if since > begun:
                break
            if task not in self._cut:
                self._cut.add(task)
                task.cancel()
        self._timer = loop.call_later(self.seconds / 5, self._look, loop) if self._since else None
