"""SQL lives in .sql files beside the code that asks; here they are loaded by package and name.

A line `-- include NAME` is NAME.part.sql of the same package: what several statements have word for word. SQL knows no
loops, so what a statement does for each of a number of steps is a part, too:

    -- each up NAME      NAME.part.sql for the steps 1, 2 ... steps - 1; with `down` from the last to the first
    <step> <next> <before> <steps>      in such a part, these numbers; <steps> in the statement as well
"""

import re
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

_INCLUDE = re.compile(r"^-- include (\w+)$", re.MULTILINE)
_EACH = re.compile(r"^-- each (up|down) (\w+)$", re.MULTILINE)


@cache
def load(package: str, name: str, steps: int = 0) -> str:
    """Text of `name`.sql in a package (or in a folder of one: "pipeline.store.reads"), for so many steps where it has
    parts for each. Raises FileNotFoundError."""
    folder = files(package)
    text = (folder / f"{name}.sql").read_text("utf-8")
    while _INCLUDE.search(text):
        text = _INCLUDE.sub(lambda line: _part(folder, line[1]), text)
    if not steps:
        return text
    text = _EACH.sub(lambda line: _for_each(_part(folder, line[2]), steps, line[1] == "down"), text)
    return text.replace("<steps>", str(steps))


def _part(folder: Traversable, name: str) -> str:
    return (folder / f"{name}.part.sql").read_text("utf-8").rstrip()


def _for_each(part: str, steps: int, down: bool) -> str:
    numbers = range(1, steps)
    return "\n".join(
        part.replace("<step>", str(number)).replace("<next>", str(number + 1)).replace("<before>", str(number - 1))
        for number in (reversed(numbers) if down else numbers)
    )
