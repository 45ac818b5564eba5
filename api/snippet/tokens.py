"""A script of JavaScript as its tokens, as far as names in it are told from everything else."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

_TOKEN: Final = re.compile(
    r"""(?P<space>\s+)
    |(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
    |(?P<number>\d[\w.]*)
    |(?P<name>[A-Za-z_$][\w$]*)
    |(?P<sign>=>|\?\.(?!\d)|\.{3}|[<>=!]==?|&&=?|\|\|=?|\?\?=?|.)""",
    re.VERBOSE | re.DOTALL,
)
_PATTERN: Final = re.compile(r"/(?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\\[\n])+/[a-z]*")
_BEFORE_VALUE: Final = frozenset(
    re.findall(r"\S+", "( , = : [ ! & | ? { } ; + - * < > => && || ?? == === != !== return")
)


class Token(NamedTuple):
    kind: str  # space, text, number, name, sign, pattern, template
    text: str


def tokens(script: str) -> Iterator[Token]:
    """A template is its parts of text and, between them, the tokens of what it holds."""
    at, before = 0, ";"
    depths: list[int] = []  # of braces, in each template's hole that is open
    while at < len(script):
        if script[at] == "`" or (script[at] == "}" and depths and depths[-1] == 0):
            if script[at] == "}":
                depths.pop()
            end = _end_of_text(script, at + 1)
            is_hole = script[end - 1] == "{"
            if is_hole:
                depths.append(0)
            yield Token("template", script[at:end])
            at, before = end, "(" if is_hole else "`"
            continue
        found = _PATTERN.match(script, at) if script[at] == "/" and before in _BEFORE_VALUE else None
        kind = "pattern"
        if found is None:
            found = _TOKEN.match(script, at)
            assert found is not None  # its last alternative is any character
            kind = found.lastgroup or ""
        text = found.group()
        if depths and text in ("{", "}"):
            depths[-1] += 1 if text == "{" else -1
        yield Token(kind, text)
        at = found.end()
        before = before if kind == "space" else text


def _end_of_text(script: str, at: int) -> int:
    """Behind the next ` or ${ of a template."""
    while script[at] != "`":
        if script.startswith("${", at):
            return at + 2
        at += 2 if script[at] == "\\" else 1
    return at + 1
