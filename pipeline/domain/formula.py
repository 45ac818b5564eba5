"""Formulas over the series A and B: numbers, A, B, + - * / and parentheses, with the usual precedence.

    A / B        (A - B) / A * 100        -A + 0.5 * B

Where a series has no number, or what is divided by is 0, or the result is beyond what a float can hold, it is None.
"""

import re
from collections.abc import Callable, Mapping
from math import isfinite
from operator import add, mul, sub, truediv
from typing import Final, NamedTuple

from pipeline.errors import InvalidQuestion

Number = int | float
Value = Number | None
MOST_CHARACTERS: Final = 200
MOST_DEEP: Final = 20  # parentheses inside of each other
SERIES: Final = ("A", "B")
_TOKEN = re.compile(r"\s*(?:([0-9]{1,15}(?:\.[0-9]{1,15})?)|([A-Za-z_]+)|([-+*/()]))")
_OPERATIONS: Final[Mapping[str, Callable[[Number, Number], Number]]] = {"+": add, "-": sub, "*": mul, "/": truediv}
_Term = Callable[[Mapping[str, Value]], Value]


class Formula(NamedTuple):
    """`value` gives the result for the values of the series; `names` are the series that it needs."""

    names: frozenset[str]
    value: _Term


def compiled(text: str, field: str = "formula") -> Formula:
    """The formula; InvalidQuestion at `field` for what is none, with the place where it goes wrong."""
    if len(text) > MOST_CHARACTERS:
        raise InvalidQuestion(f"a formula has at most {MOST_CHARACTERS} characters", field=field)
    reading = _Reading(_tokens(text, field), field)
    term = reading.sum()
    if reading.at < len(reading.tokens):
        raise reading.refused("an operator")
    names = frozenset(token.text for token in reading.tokens if token.text in SERIES)
    if not names:
        raise InvalidQuestion("a formula needs A, B or both", field=field)
    return Formula(names, term)


class _Token(NamedTuple):
    text: str
    at: int  # character, from 1


def _tokens(text: str, field: str) -> list[_Token]:
    tokens, at, told = [], 0, text.rstrip()
    while at < len(told):
        found = _TOKEN.match(told, at)
        if not found or (found[2] and found[2].upper() not in SERIES):
            begins = at + len(told[at:]) - len(told[at:].lstrip())
            raise InvalidQuestion(
                f"character {begins + 1}: there are A, B, numbers, + - * / and parentheses, as A / B", field=field
            )
        tokens.append(_Token(found[found.lastindex or 0].upper(), found.start(found.lastindex or 0) + 1))
        at = found.end()
    return tokens


class _Reading:
    """By recursive descent: a sum of products of factors."""

    def __init__(self, tokens: list[_Token], field: str) -> None:
        self.tokens, self.field, self.at, self.deep = tokens, field, 0, 0

    def sum(self) -> _Term:
        return self._row(("+", "-"), self._product)

    def _product(self) -> _Term:
        return self._row(("*", "/"), self._factor)

    def _row(self, operators: tuple[str, ...], inner: Callable[[], _Term]) -> _Term:
        term = inner()
        while (name := self._peek()) in operators:
            self.at += 1
            term = _combined(name, term, inner())
        return term

    def _factor(self) -> _Term:
        token = self._peek()
        self.at += 1
        if token in SERIES:
            return lambda values: values.get(token)
        if token == "-":
            return _combined("-", lambda values: 0, self._factor())
        if token == "(":
            self.deep += 1
            if self.deep > MOST_DEEP:
                raise InvalidQuestion(f"parentheses stand at most {MOST_DEEP} deep", field=self.field)
            term = self.sum()
            if self._peek() != ")":
                raise self.refused("a closing parenthesis")
            self.at, self.deep = self.at + 1, self.deep - 1
            return term
        if token[:1].isdigit():
            number = float(token) if "." in token else int(token)
            return lambda values: number
        self.at -= 1
        raise self.refused("A, B, a number or an opening parenthesis")

    def _peek(self) -> str:
        return self.tokens[self.at].text if self.at < len(self.tokens) else ""

    def refused(self, wanted: str) -> InvalidQuestion:
        where = f"character {self.tokens[self.at].at}" if self.at < len(self.tokens) else "the end"
        return InvalidQuestion(f"{where}: {wanted} must stand here", field=self.field)


def _combined(name: str, left: _Term, right: _Term) -> _Term:
    operation = _OPERATIONS[name]

    def value(values: Mapping[str, Value]) -> Value:
        one, other = left(values), right(values)
        if one is None or other is None:
            return None
        try:
            found = operation(one, other)
            return found if isfinite(found) else None
        except (ZeroDivisionError, OverflowError):
            return None

    return value
