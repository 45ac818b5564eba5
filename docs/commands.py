"""The commands of `wayfare`, as a table: from the command line itself."""

from typing import Any

import typer

from docs.markdown import code, rows
from pipeline.cli.command import app


def commands() -> str:
    lines = [(code(_usage(words, each)), _plain(each.help), _options(each)) for words, each in every_command().items()]
    return rows(("command", "what it does", "options"), lines)


def every_command() -> dict[str, Any]:
    """The commands by their words: `up`, `key create`."""
    root: Any = typer.main.get_command(app)
    found: dict[str, Any] = {}
    for name, each in root.commands.items():
        inner = getattr(each, "commands", None)
        found |= {name: each} if inner is None else {f"{name} {word}": one for word, one in inner.items()}
    return found


def _usage(words: str, command: Any) -> str:
    return " ".join(["wayfare", words, *(_argument(each) for each in _parameters(command, "argument"))])


def _options(command: Any) -> str:
    return ", ".join(code(max(each.opts, key=len)) for each in _parameters(command, "option"))


def _parameters(command: Any, kind: str) -> list[Any]:
    return [each for each in command.params if each.param_type_name == kind]


def _plain(help: str | None) -> str:
    return " ".join((help or "").split())


def _argument(each: Any) -> str:
    name = (each.metavar or each.name or "").strip("[]").upper()
    name += "..." if each.nargs != 1 else ""
    return name if each.required else f"[{name}]"
