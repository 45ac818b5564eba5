"""The one table of settings, read once at the edge and passed on as a frozen value.

A setting `turn_events` is the variable WAYFARE_TURN_EVENTS or the key `turn_events` of a TOML file (WAYFARE_CONFIG
names it); the environment wins. URLs of files: three slashes and a relative path, or four and an absolute one
(sqlite:///.wayfare/log.sqlite, chdb:////var/lib/wayfare/store).
"""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from pipeline.errors import InvalidSetting

PREFIX = "WAYFARE_"
NOT_SETTINGS = "WAYFARE_TEST_"  # what the tests may run against: no setting, and none of ours to judge
CONFIG = "WAYFARE_CONFIG"
LOG_SCHEMES, STORE_SCHEMES = ("sqlite", "kafka"), ("chdb", "clickhouse")
LOG_LEVELS = ("debug", "info", "warning", "error")
_SECRET = re.compile(r"(?<=://)([^/@\s]*):([^/@\s]*)@")


def _setting(default: Any, help: str, *, least: int | None = None, most: int | None = None) -> Any:
    return field(default=default, metadata={"help": help, "least": least, "most": most})


@dataclass(frozen=True, repr=False)
class Settings:
    """Every setting with its default. Build it with `load`, which checks; the fields are in the units they name."""

    data: str = _setting(".wayfare", "Folder of the embedded log and store.")
    log: str = _setting("", "Event log: sqlite:///FILE (in the process) or kafka://[user:password@]host:port,... "
                            "Default: log.sqlite in the data folder.")  # fmt: skip
    store: str = _setting("", "Store: chdb:///FOLDER (ClickHouse in the process) or "
                              "clickhouse://user:password@host:port/database?secure=1. "
                              "Default: store in the data folder.")  # fmt: skip
    project: str = _setting("default", "Project that a command means when it names none.")
    host: str = _setting("127.0.0.1", "Address to listen at.")
    port: int = _setting(8990, "Port to listen at; 0 takes a free one.", least=0, most=65535)
    open_loopback: bool = _setting(True, "Whoever asks from this machine needs no read key.")
    partitions: int = _setting(0, "Partitions of the logs when they are created; 0 = 4 embedded, 16 on Kafka.",
                               least=0, most=1024)  # fmt: skip
    replication: int = _setting(0, "Copies of each Kafka partition; 0 = the broker's default.", least=0, most=16)
    topic_prefix: str = _setting("wayfare", "First part of the names of topics.")
    group: str = _setting("wayfare", "Name of the agents' consumer group.")
    log_retention_hours: int = _setting(168, "How long Kafka keeps records that are done with; 0 = for ever.", least=0)
    turn_events: int = _setting(15_000, "Most events in one turn of an agent.", least=1, most=1_000_000)
    turn_customers: int = _setting(2_000, "Most customers in one turn of the journeys agent.", least=1, most=100_000)
    cache_devices: int = _setting(200_000, "Devices that a worker keeps in memory, about 1 kB each; one with many "
                                           "events counts as many.", least=0)  # fmt: skip
    session_timeout_seconds: int = _setting(30, "A worker silent for so long loses its shards (not a visitor's "
                                                "session: that is the project's).", least=6, most=300)  # fmt: skip
    clock_seconds: int = _setting(10, "Seconds between the clock records that let time pass in idle shards.", least=1)
    max_body_bytes: int = _setting(512_000, "Largest request body the collector takes, unpacked.", least=1024)
    max_import_bytes: int = _setting(16_000_000, "Largest body of /v1/import and of a webhook, unpacked.", least=1024)
    max_event_bytes: int = _setting(32_768, "Largest single event.", least=256, most=32_768)
    queue_bytes: int = _setting(64_000_000, "Bytes that may wait for the log before the collector answers 503.",
                                least=1024)  # fmt: skip
    address_rate: int = _setting(0, "Requests a second that the collector takes from one address, ten times as many at "
                                    "once; 0 = any number.", least=0)  # fmt: skip
    key_rate: int = _setting(0, "Events a second that the collector takes with one write key, ten times as many at "
                                "once; 0 = any number.", least=0)  # fmt: skip
    trusted_proxies: str = _setting("", "Addresses or networks of proxies, separated by commas, whose "
                                        "X-Forwarded-For is believed; empty = none.")  # fmt: skip
    places: str = _setting("", "MaxMind-format file for country, region and city; empty = no look-up.")
    definitions_seconds: int = _setting(5, "Seconds between looks for changed projects, keys, goals and funnels.",
                                        least=1)  # fmt: skip
    query_memory_bytes: int = _setting(2_000_000_000, "Memory that a statement of a question may use in the store.",
                                       least=1_000_000)  # fmt: skip
    query_rows: int = _setting(5_000_000, "Most rows that a statement of a question may give: they are in the API's "
                                          "own memory.", least=1_000)  # fmt: skip
    query_seconds: int = _setting(60, "Time that a statement of a question may take in the store.", least=1)
    bi_rows: int = _setting(1_000_000, "Most rows of an answer of /bi/.", least=1)
    bi_bytes: int = _setting(200_000_000, "Most bytes of an answer of /bi/.", least=1024)
    log_level: str = _setting("info", "debug, info, warning or error.")

    @property
    def embedded(self) -> bool:
        """One half at least lives inside the process, so exactly one process may hold it."""
        return self.log.startswith("sqlite:") or self.store.startswith("chdb:")

    @property
    def folders(self) -> tuple[Path, ...]:
        """Folders of the embedded halves: whoever holds their locks holds the data. Empty where nothing is embedded."""
        halves = [file_of(url) for url in (self.store, self.log) if url.startswith(("sqlite:", "chdb:"))]
        return tuple(dict.fromkeys(path.parent for path in halves))

    @property
    def log_partitions(self) -> int:
        """`partitions`, with 0 filled in."""
        return self.partitions or (4 if self.log.startswith("sqlite:") else 16)

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in self.shown().items())})"

    def shown(self) -> dict[str, str | int | bool]:
        """Names and values with passwords masked: the only form in which settings are printed."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: masked(value) if isinstance(value, str) else value for name, value in values.items()}


def table() -> dict[str, Field[Any]]:
    """Settings by name; help, least and most are in the metadata."""
    return {each.name: each for each in fields(Settings)}


def variable(name: str) -> str:
    """Environment variable of a setting."""
    return PREFIX + name.upper()


def masked(text: str) -> str:
    """Text with the passwords of URLs in it replaced by ***."""
    return _SECRET.sub(r"\1:***@", text)


def file_of(url: str) -> Path:
    """Path of sqlite:///relative, chdb:////absolute, as an absolute path."""
    return Path(url.partition("///")[2]).absolute()


def load(environ: Mapping[str, str] | None = None, config: Path | str | None = None) -> Settings:
    """Settings from a TOML file and the environment (default: the process's own).

    Raises InvalidSetting with `field` = the setting's name, for an unknown name too.
    """
    environ = os.environ if environ is None else environ
    known = table()
    file = config or environ.get(CONFIG)
    given: dict[str, Any] = _read(Path(file)) if file else {}
    for name in given:
        if name not in known:
            raise _unknown(f"{file}: {name}", name, [*known], str)
    for name, value in environ.items():
        if name.startswith(PREFIX) and not name.startswith(NOT_SETTINGS) and name != CONFIG:
            key = name.removeprefix(PREFIX).lower()
            if key not in known:
                raise _unknown(name, key, [*known], variable)
            given[key] = value
    values = {name: _typed(known[name], value) for name, value in given.items()}
    return _checked(values)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidSetting(f"{path} cannot be read: {error.strerror}", field="config") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidSetting(f"{path} is not TOML: {error}", field="config") from error


def _unknown(told: str, name: str, known: list[str], show: Any) -> InvalidSetting:
    near = get_close_matches(name, known, n=1, cutoff=0.4)
    hint = f" Did you mean {show(near[0])}?" if near else " `wayfare settings` lists all."
    return InvalidSetting(f"{told} is no setting.{hint}", field=name)


def _typed(setting: "Field[Any]", value: Any) -> str | int | bool:
    """The value in the setting's type; TOML brings its own types, the environment brings text."""
    name, kind = setting.name, cast(type, type(setting.default))
    if kind is bool:
        return _flag(name, value)
    if kind is str:
        if not isinstance(value, str):
            raise InvalidSetting(f"{name} must be text, not {value!r}", field=name)
        return value.strip()
    if isinstance(value, str) and re.fullmatch(r"-?\d[\d_]*", value.strip()):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidSetting(f"{name} must be a whole number, not {value!r}", field=name)
    least, most = setting.metadata["least"], setting.metadata["most"]
    if (least is not None and value < least) or (most is not None and value > most):
        wanted = f"{least} or more" if most is None else f"{least} to {most}"
        raise InvalidSetting(f"{name} must be {wanted}, not {value}", field=name)
    return value


def _flag(name: str, value: Any) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    known = words.get(str(value).strip().lower())
    if known is None:
        raise InvalidSetting(f"{name} must be true or false, not {value!r}", field=name)
    return known


def _checked(values: dict[str, Any]) -> Settings:
    data = values.get("data") or ".wayfare"
    values = {
        **values,
        "data": data,
        "log": values.get("log") or f"sqlite:///{Path(data) / 'log.sqlite'}",
        "store": values.get("store") or f"chdb:///{Path(data) / 'store'}",
    }
    _check_url("log", values["log"], LOG_SCHEMES)
    _check_url("store", values["store"], STORE_SCHEMES)
    settings = Settings(**values)
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,62}", settings.project):
        raise InvalidSetting("project must be lower-case letters, digits, - and _", field="project")
    for name in ("topic_prefix", "group"):
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", getattr(settings, name)):
            raise InvalidSetting(f"{name} must be letters, digits, dots, - and _", field=name)
    if settings.log_level not in LOG_LEVELS:
        raise InvalidSetting(f"log_level must be one of {', '.join(LOG_LEVELS)}", field="log_level")
    if settings.places and not Path(settings.places).is_file():
        raise InvalidSetting(f"places: there is no file {settings.places}", field="places")
    if settings.max_event_bytes > settings.max_body_bytes:
        raise InvalidSetting("max_event_bytes must not be greater than max_body_bytes", field="max_event_bytes")
    return settings


def _check_url(name: str, url: str, schemes: tuple[str, ...]) -> None:
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in schemes:
        wanted = " or ".join(f"{each}://..." for each in schemes)
        raise InvalidSetting(f"{name} must be {wanted}, not {masked(url)}", field=name)
    if scheme in ("sqlite", "chdb"):
        if not rest.startswith("/") or not rest[1:]:
            raise InvalidSetting(f"{name} needs a path: {scheme}:///relative or {scheme}:////absolute", field=name)
        return
    hosts = urlsplit(url).netloc.rpartition("@")[2].split(",")
    for host in hosts:
        if not re.fullmatch(r"(\[[0-9a-fA-F:]+\]|[\w.-]+)(:\d{1,5})?", host):
            raise InvalidSetting(f"{name}: {host!r} is no host:port", field=name)
