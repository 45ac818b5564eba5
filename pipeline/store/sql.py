"""SQL lives in .sql files beside the code that asks; here they are loaded by package and name.

A line `-- include NAME` is NAME.part.sql of the same package: what several statements have word for word. SQL knows no
loops, so what a statement does for each of a number of steps is a part, too:

    -- each up NAME      NAME.part.sql for the steps 1, 2 ... steps - 1; with `down` from the last to the first
    -- each filter NAME  NAME.part.sql for the filters 1, 2 ...
    -- each field NAME   NAME.part.sql for the fields 1, 2 ... that the answer is broken down by; a period is one
    <step> <next> <before> <filter> <field>     such a part has these numbers in it; the whole statement <steps>

What is not asked for is left out: reading and planning a long statement takes longer than a small store's rows do.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable

_INCLUDE = re.compile(r"^-- include (\w+)$", re.MULTILINE)
_NUMBER = re.compile(r"<(step|next|before|filter|field)>")
_EACH = re.compile(r"^-- each (up|down|filter|field) (\w+)$", re.MULTILINE)


@lru_cache(512)
def load(package: str, name: str, steps: int = 0, filters: int = 0, fields: int = 0) -> str:
    """Text of `name`.sql in a package (or in a folder of one: "pipeline.store.reads"), for so many steps, filters and
    fields where it has parts for each. Raises FileNotFoundError."""
    folder = files(package)
    text = _whole(folder, (folder / f"{name}.sql").read_text("utf-8"))
    numbers: dict[str, Iterable[int]] = {
        "up": range(1, steps),
        "down": range(steps - 1, 0, -1),
        "filter": range(1, filters + 1),
        "field": range(1, fields + 1),
    }
    text = _EACH.sub(lambda line: _for_each(_part(folder, line[2]), numbers[line[1]]), text)
    return text.replace("<steps>", str(steps))


def _whole(folder: Traversable, text: str) -> str:
    while _INCLUDE.search(text):
        text = _INCLUDE.sub(lambda line: _part(folder, line[1]), text)
    return text


def _part(folder: Traversable, name: str) -> str:
    return _whole(folder, (folder / f"{name}.part.sql").read_text("utf-8").rstrip())


def _for_each(part: str, numbers: Iterable[int]) -> str:
    told = []
    for number in numbers:
        names = {"step": number, "next": number + 1, "before": number - 1, "filter": number, "field": number}
        told.append(_NUMBER.sub(lambda name, names=names: str(names[name[1]]), part))  # type: ignore[misc]
    return "\n".join(told)
