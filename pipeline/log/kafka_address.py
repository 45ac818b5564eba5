"""Where a Kafka cluster is and how it is spoken to, in the words of kafka-python and of aiokafka."""

from dataclasses import dataclass, field
from ssl import create_default_context
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from pipeline.errors import InvalidSetting


@dataclass(frozen=True)
class KafkaAddress:
    servers: tuple[str, ...]  # host:port
    user: str = ""
    password: str = field(default="", repr=False)
    secure: bool = False

    @classmethod
    def of(cls, url: str) -> "KafkaAddress":
        """kafka://[user:password@]host:port,host:port[?secure=1]. A user means SASL PLAIN, `secure` means TLS.

        Raises InvalidSetting.
        """
        parts = urlsplit(url)
        account, _, hosts = parts.netloc.rpartition("@")
        servers = tuple(each for each in hosts.split(",") if each)
        if parts.scheme != "kafka" or not servers or parts.path.strip("/"):
            raise InvalidSetting(f"a Kafka log is kafka://host:port,host:port, not {hidden(url)!r}", field="log")
        for server in servers:
            host, _, port = server.rpartition(":")
            if not host or not port.isdecimal() or not 0 < int(port) < 65536:
                raise InvalidSetting(f"{server!r} is not host:port", field="log")
        options = parse_qs(parts.query, keep_blank_values=True)
        if set(options) - {"secure"}:
            raise InvalidSetting(
                f"a Kafka log's only option is secure=1, not {', '.join(sorted(options))}", field="log"
            )
        user, _, password = account.partition(":")
        return cls(servers, unquote(user), unquote(password), options.get("secure", ["0"])[-1] in ("1", "true"))

    @property
    def protocol(self) -> str:
        return ("SASL_" if self.user else "") + ("SSL" if self.secure else "PLAINTEXT")

    def kafka_python(self) -> dict[str, Any]:
        """Settings of kafka-python's clients."""
        settings: dict[str, Any] = {"bootstrap_servers": list(self.servers), "security_protocol": self.protocol}
        if self.user:
            settings |= {
                "sasl_mechanism": "PLAIN",
                "sasl_plain_username": self.user,
                "sasl_plain_password": self.password,
            }
        return settings

    def aiokafka(self) -> dict[str, Any]:
        """Settings of aiokafka's clients."""
        return self.kafka_python() | ({"ssl_context": create_default_context()} if self.secure else {})

    def __str__(self) -> str:
        return ",".join(self.servers)


def hidden(url: str) -> str:
    """The URL with its password left out."""
    head, at, tail = url.rpartition("@")
    return f"{head.rpartition(':')[0]}:***@{tail}" if at and head.count(":") > 1 else url
