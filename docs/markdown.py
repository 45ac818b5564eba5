"""Markdown as the pages have it."""

from collections.abc import Iterable, Sequence


def rows(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    told = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *told]) + "\n"


def code(text: object) -> str:
    return f"`{text}`"
