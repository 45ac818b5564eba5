"""SQL lives in .sql files beside the code that asks; here they are loaded by package and name."""

from functools import cache
from importlib.resources import files


@cache
def load(package: str, name: str) -> str:
    """Text of `name`.sql in a package (or in a folder of one: "pipeline.store.reads"). Raises FileNotFoundError."""
    return (files(package) / f"{name}.sql").read_text("utf-8")
