"""SQL lives in .sql files beside the code that asks; here they are loaded by package and name.

A line `-- include NAME` is NAME.part.sql of the same package: what several statements have word for word.
"""

import re
from functools import cache
from importlib.resources import files

_INCLUDE = re.compile(r"^-- include (\w+)$", re.MULTILINE)


@cache
def load(package: str, name: str) -> str:
    """Text of `name`.sql in a package (or in a folder of one: "pipeline.store.reads"). Raises FileNotFoundError."""
    folder = files(package)
    text = (folder / f"{name}.sql").read_text("utf-8")
    return _INCLUDE.sub(lambda line: (folder / f"{line[1]}.part.sql").read_text("utf-8").rstrip(), text)
