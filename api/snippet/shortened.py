"""Shorter names for what a script declares: its readers should not pay for clear names in bytes.

    const deviceId = () => { ... }   ->   const d=()=>{...}

A scope is a function, a block, or the head and body of a loop or a catch. A name of it gets the shortest that none of
its ancestors' names has which are used inside, and that is nobody's outside of the script. Properties keep their names.
`const` becomes `let`, which says nothing more once it runs, and declarations in a row one; `true` becomes `!0`. A
semicolon or a comma before what closes, brackets around a lone parameter and the ends of lines go.

What it needs of the source, and the tests of the tracker hold: comments are gone, statements end with semicolons,
patterns of objects have no defaults, lists have no holes at their end, there are no labels, no `var`, and functions of
a name stand for themselves.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Final

from api.snippet.tokens import Token, tokens

_BEFORE_OBJECT: Final = frozenset(re.findall(r"\S+", "( , = : [ ? ... ||= && || ?? return const let"))
_WORDS: Final = frozenset(
    re.findall(
        r"\w+",
        "async await break case catch const continue default delete do else export false finally for function if in "
        "instanceof let new null of return this throw true try typeof undefined void while",
    )
)
_SHORTER: Final = {"const": "let", "true": "!0", "false": "!1"}  # none of them is the name of a property
_LETTERS: Final = "etnrisouaflchpdvmgybwESxTNCkLAODMIBPUjRFHGVzWXKqYJQZ"  # the frequent first: they pack better
_OPEN, _CLOSE = frozenset("([{"), frozenset(")]}")


def shortened(script: str) -> str:
    """The script with short names for all that it declares."""
    read = [token for token in tokens(script) if token.kind != "space"]
    names = _Script(read).short_names()
    texts: list[str] = []
    place, gap = 0, ""
    statements = [""]  # at each depth of brackets: "declares", "declared" up to the next token, or ""
    for kind, text in tokens(script):
        if kind == "space":
            gap = text
            continue
        short, place = names.get(place, text), place + 1
        if text in ("const", "let") and statements[-1] == "declared":
            texts[-1] = ","
            _follow(statements, kind, text)
            continue
        if kind == "sign" and text in _CLOSE and (texts[-1] == "," or texts[-1] + text == ";}"):
            texts.pop()
        if text == "=>" and len(texts) > 3 and _is_lone(texts[-4:]):
            texts[-3:] = texts[-2:-1]
        if gap and texts and _joins(texts[-1], short, gap):
            texts.append(" ")
        texts.append(_SHORTER.get(short, short))
        gap = ""
        _follow(statements, kind, text)
    return "".join(texts)


@dataclass(eq=False)
class _Scope:
    start: int
    end: int  # its last token
    parent: "_Scope | None" = None
    uses: dict[str, list[int]] = field(default_factory=dict)  # of the names that it declares
    short: dict[str, str] = field(default_factory=dict)


class _Script:
    def __init__(self, read: list[Token]) -> None:
        self.tokens = read
        self.pair = self._pairs()
        self.scopes = self._scopes()
        self.inner = self._innermost()
        self._declare()

    def short_names(self) -> dict[int, str]:
        """Place of a token -> its new text."""
        resolved = {at: self._owner(at) for at in range(len(self.tokens)) if self._is_use(at)}
        foreign = {self.tokens[at].text for at, owner in resolved.items() if owner is None} | _WORDS
        for at, owner in resolved.items():
            if owner is not None:
                owner.uses[self.tokens[at].text].append(at)
        for scope in self.scopes:
            self._choose(scope, foreign)
        found: dict[int, str] = {}
        for at, owner in resolved.items():
            if owner is not None:
                text = self.tokens[at].text
                short = owner.short[text]
                found[at] = f"{text}:{short}" if self._is_shorthand(at) else short
        return found

    def _choose(self, scope: _Scope, foreign: set[str]) -> None:
        taken, above = set(foreign), scope.parent
        while above is not None:
            for name, uses in above.uses.items():
                if any(scope.start <= at <= scope.end for at in uses):
                    taken.add(above.short[name])
            above = above.parent
        free = (name for name in _names() if name not in taken)
        counts = Counter({name: len(uses) for name, uses in scope.uses.items()})
        scope.short = dict(zip((name for name, _ in counts.most_common()), free, strict=False))

    # -- scopes

    def _pairs(self) -> dict[int, int]:
        """Brackets: where each one's other is."""
        found: dict[int, int] = {}
        open_at: list[int] = []
        for at in range(len(self.tokens)):
            if self._closes(at):
                start = open_at.pop()
                found[start], found[at] = at, start
            if self._opens(at):
                open_at.append(at)
        return found

    def _scopes(self) -> list[_Scope]:
        """From the outside to the inside."""
        found = [_Scope(0, len(self.tokens) - 1)]
        for at, (kind, text) in enumerate(self.tokens):
            if kind == "name" and text in ("function", "for", "catch"):
                head = at + 1
                while self.tokens[head].text not in ("(", "{"):
                    head += 1
                found.append(_Scope(head, self._body_end(self.pair[head] + 1) if self._is(head, "(") else head))
            elif kind == "sign" and text == "=>":
                start = self.pair[at - 1] if self._is(at - 1, ")") else at - 1
                found.append(_Scope(start, self._body_end(at + 1)))
            elif kind == "sign" and text == "{" and not self._is_object(at):
                found.append(_Scope(at, self.pair[at]))
        found.sort(key=lambda scope: (scope.start, -scope.end))
        return found

    def _body_end(self, at: int) -> int:
        """A block's end, or that of an expression or a statement without one."""
        if self._is(at, "{"):
            return self.pair[at]
        while at < len(self.tokens):
            if self._closes(at) or self._is(at, ",") or self._is(at, ";"):
                break
            while self._opens(at):  # more than once: a template with several holes
                at = self.pair[at]
            at += 1
        return at - 1

    def _innermost(self) -> list[_Scope]:
        found = [self.scopes[0]] * len(self.tokens)
        for scope in self.scopes:
            if scope is not self.scopes[0]:
                scope.parent = found[scope.start]
            found[scope.start : scope.end + 1] = [scope] * (scope.end + 1 - scope.start)
        return found

    def _owner(self, at: int) -> _Scope | None:
        scope: _Scope | None = self.inner[at]
        while scope is not None and self.tokens[at].text not in scope.uses:
            scope = scope.parent
        return scope

    # -- what they declare

    def _declare(self) -> None:
        for at, (kind, text) in enumerate(self.tokens):
            if kind == "name" and text in ("const", "let"):
                self._take(at + 1, self.inner[at])
            elif kind == "name" and text in ("function", "catch"):
                head = at + 1
                if self.tokens[head].kind == "name":
                    self.inner[at].uses[self.tokens[head].text] = []
                    head += 1
                if self._is(head, "("):
                    self._take(head + 1, self.inner[head])
            elif kind == "sign" and text == "=>":
                is_list = self._is(at - 1, ")")
                start = self.pair[at - 1] + 1 if is_list else at - 1
                scope = self.inner[at]
                if is_list:
                    self._take(start, scope)
                else:
                    scope.uses[self.tokens[start].text] = []

    def _take(self, at: int, scope: _Scope) -> None:
        """Names of a list of declarations or parameters up to its end; what they are set to is passed over."""
        depth, set_at = 0, -1  # of brackets; that at which a value began
        while True:
            kind, text = self.tokens[at]
            is_sign = kind == "sign"
            if depth == 0 and ((is_sign and text == ";") or (kind == "name" and text == "of")):
                return
            if self._closes(at):
                depth -= 1
                if depth < 0:
                    return
                set_at = -1 if depth < set_at else set_at
            if self._opens(at):
                depth += 1
            elif is_sign and text == "," and depth == set_at:
                set_at = -1
            elif is_sign and text == "=" and set_at < 0:
                set_at = depth
            elif set_at < 0 and self._is_use(at):
                scope.uses[text] = []
            at += 1

    # -- what a token is

    def _is(self, at: int, text: str) -> bool:
        return self.tokens[at] == ("sign", text)

    def _opens(self, at: int) -> bool:
        kind, text = self.tokens[at]
        return (kind == "sign" and text in _OPEN) or (kind == "template" and text.endswith("${"))

    def _closes(self, at: int) -> bool:
        kind, text = self.tokens[at]
        return (kind == "sign" and text in _CLOSE) or (kind == "template" and text.startswith("}"))

    def _is_object(self, at: int) -> bool:
        """Whether a { begins an object or a pattern, and no block."""
        before = self.tokens[at - 1] if at else Token("sign", ";")
        return before.text in _BEFORE_OBJECT or before.text.endswith("${")

    def _is_use(self, at: int) -> bool:
        """A name that is no property: neither after a dot nor the key of an object."""
        if self.tokens[at].kind != "name" or self.tokens[at].text in _WORDS:
            return False
        if at and self.tokens[at - 1].text in (".", "?."):
            return False
        return not (self._is(at + 1, ":") and self.tokens[at - 1].text in ("{", ","))

    def _is_shorthand(self, at: int) -> bool:
        """`{name}` or `{a, name}`: its key and its value at once."""
        if self.tokens[at - 1].text not in ("{", ",") or self.tokens[at + 1].text not in ("}", ","):
            return False
        depth = 0
        for start in range(at - 1, -1, -1):
            depth += self._closes(start) - self._opens(start)
            if depth < 0:
                return self._is(start, "{") and self._is_object(start)
        return False


def _follow(statements: list[str], kind: str, text: str) -> None:
    """Brings what is known of the statements at each depth behind one more token."""
    opens = (kind == "sign" and text in _OPEN) or (kind == "template" and text.endswith("${"))
    closes = (kind == "sign" and text in _CLOSE) or (kind == "template" and text.startswith("}"))
    if closes:
        statements.pop()
    elif text in ("const", "let"):
        statements[-1] = "declares"
    elif kind == "sign" and text == ";":
        statements[-1] = "declared" if statements[-1] == "declares" else ""
    elif statements[-1] == "declared":
        statements[-1] = ""
    if opens:
        statements.append("")


def _joins(before: str, after: str, gap: str) -> bool:
    """Whether two tokens need the space between them: one of a line's end only where it parts two words."""
    return before != "," and ("\n" not in gap or re.search(r"\w \w", f"{before} {after}") is not None)


def _is_lone(texts: list[str]) -> bool:
    """`(name)` behind what is no word."""
    before, opening, name, closing = texts
    return opening == "(" and closing == ")" and name.isidentifier() and not re.search(r"[\w$]\Z", before)


def _names() -> Iterator[str]:
    yield from _LETTERS
    for pair in product(_LETTERS, _LETTERS):
        yield "".join(pair)
