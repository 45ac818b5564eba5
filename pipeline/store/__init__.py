"""The store's port (`port`), its two adapters (`embedded`, `remote`) and what is kept in it."""

import os
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from pipeline.errors import InvalidSetting
from pipeline.store.port import Store

FORMS = "chdb:///relative/folder, chdb:////absolute/folder or clickhouse://user:password@host:port/database?secure=1"

# clickhouse-driver's own switch: else it makes a table of all days from 1900 to 2299, of 20 MB, when it is imported,
# which is where any module of this package is: its names of errors are ours.
os.environ.setdefault("CLICKHOUSE_DRIVER_LASY_DATE_LUT", "1")


def open_store(url: str) -> Store:
    """The store that the setting `store` names. Raises InvalidSetting, InUse, StoreUnavailable; none shows a password.

    ClickHouse is reached at the first statement; an embedded folder is taken, and made where it isn't there, at once.
    """
    parts = urlsplit(url)
    if parts.scheme == "chdb" and not parts.netloc and len(parts.path) > 1:
        # Imported here: chdb is half a gigabyte of library, for nothing where the store is a server.
        from pipeline.store.embedded import EmbeddedStore

        return EmbeddedStore(Path(unquote(parts.path[1:])))
    if parts.scheme == "clickhouse" and parts.hostname:
        from pipeline.store.remote import Address, RemoteStore

        try:
            port = parts.port
        except ValueError as error:
            raise InvalidSetting("store: the port is no number between 0 and 65535", field="store") from error
        options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        secure, verify = (options.pop(name, default) == "1" for name, default in (("secure", "0"), ("verify", "1")))
        if options:
            raise InvalidSetting(f"store: unknown {', '.join(options)}; known are secure and verify", field="store")
        return RemoteStore(
            Address(
                host=parts.hostname,
                port=port or (9440 if secure else 9000),
                user=unquote(parts.username or "default"),
                password=unquote(parts.password or ""),
                database=unquote(parts.path[1:]) or "default",
                secure=secure,
                verify=verify,
            )
        )
    raise InvalidSetting(f"store: must be {FORMS}", field="store")
