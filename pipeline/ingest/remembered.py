"""Results of functions of what senders write, kept by their number and their length."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import ParamSpec, TypeVar

LONGEST = 2_048  # characters or bytes: of the addresses, names and ids that come again hardly any is longer

P = ParamSpec("P")
R = TypeVar("R")


def remembered(most: int, at: int = 0) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """As `lru_cache(most)` of a function whose argument number `at` is a text; a long one is worked out each time.

    So what senders choose to write holds no more memory than `most` short texts take.
    """

    def wrap(function: Callable[P, R]) -> Callable[P, R]:
        cached = lru_cache(most)(function)

        @wraps(function)
        def found(*given: P.args, **named: P.kwargs) -> R:
            text: str | bytes = given[at]  # type: ignore[assignment]
            return (function if len(text) > LONGEST else cached)(*given, **named)  # type: ignore[arg-type]

        return found

    return wrap
