"""`wayfare settings`: every setting, its value, where it comes from and what it means."""

from pipeline.cli import options
from pipeline.cli.output import as_json, table
from pipeline.settings import load, variable
from pipeline.settings import table as known


def settings(json: options.Json = False) -> None:
    """List every setting with its value and what it means. Passwords are masked."""
    values = options.settings().shown()
    described, defaults = known(), load({variable("data"): str(values["data"])}).shown()
    if json:
        as_json(
            {
                name: {
                    "value": value,
                    "default": described["data"].default if name == "data" else defaults[name],
                    "variable": variable(name),
                    "help": described[name].metadata["help"],
                }
                for name, value in values.items()
            }
        )
        return
    rows = [
        (variable(name), str(value) if value != "" else "-", "" if value == defaults[name] else "set", help)
        for name, value in values.items()
        for help in (described[name].metadata["help"],)
    ]
    table("Settings, from the environment or a TOML file (WAYFARE_CONFIG)", ("variable", "value", "", "meaning"), rows)
