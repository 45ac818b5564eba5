"""Results of functions of what senders write, kept by their number and their length."""

from collections.abc import Callable, Hashable
from functools import wraps
from itertools import islice
from typing import Generic, ParamSpec, TypeVar

LONGEST = 2_048  # characters or bytes: of the addresses, names and ids that come again hardly any is longer

P = ParamSpec("P")
R = TypeVar("R")


class Remembered(dict[tuple[Hashable, ...], R], Generic[R]):
    """Results of a function by its arguments: `found[one, other]` is `function(one, other)`, looked up or worked out.

    A subscript, as finding what is known is then no call of Python's: a tenth of an event's time is spent on these.
    What holds a long text is worked out each time, so what senders choose to write holds no more memory than `most`
    short texts take. When it is full, the half that came first goes.
    """

    __slots__ = ("_function", "_most")

    def __init__(self, function: Callable[..., R], most: int) -> None:
        self._function, self._most = function, most

    def __missing__(self, given: tuple[Hashable, ...]) -> R:
        result = self._function(*given)
        for each in given:
            if (type(each) is str or type(each) is bytes) and len(each) > LONGEST:
                return result
        if len(self) >= self._most:
            for old in list(islice(self, (self._most + 1) // 2)):
                self.pop(old, None)  # another thread may have been here
        self[given] = result
        return result


def remembered(most: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A function whose results are `Remembered`, where its arguments are given by position."""

    def wrap(function: Callable[P, R]) -> Callable[P, R]:
        known = Remembered(function, most)

        @wraps(function)
        def found(*given: P.args, **named: P.kwargs) -> R:
            return function(*given, **named) if named else known[given]

        return found

    return wrap
