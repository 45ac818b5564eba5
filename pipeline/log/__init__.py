"""The log: three topics of partitions, appended to by the collector and by agents, read through Faust.

`open_log(url)` gives the adapter for `sqlite:///...` or `kafka://host:port,...`; `faust_app.create_app(url)` the Faust
app that reads the same log.
"""

from urllib.parse import urlsplit

from pipeline.errors import InvalidSetting
from pipeline.log.port import Log, LogWriter, Topic

__all__ = ["Log", "LogWriter", "Topic", "open_log"]

QUEUE_BYTES = 64_000_000


def open_log(
    url: str,
    *,
    group: str = "wayfare",
    prefix: str = "wayfare",
    timeout: float = 5.0,
    queue_bytes: int = QUEUE_BYTES,
    replication: int = 0,
    retention_hours: int = 168,
) -> Log:
    """The log at `url`, without touching it yet.

    url: `sqlite:///relative/file`, `sqlite:////absolute/file` or `kafka://[user:password@]host:port,host:port[?secure=1]`.
    group: consumer group of the agents, for `lag`. prefix: first part of the topics' names.
    timeout: seconds after which an answer counts as not coming (LogUnavailable).
    queue_bytes: what may wait in a writer before it raises LogFull.
    replication, retention_hours: of Kafka topics that are created; 0 = the broker's default, for ever.
    Raises InvalidSetting for a URL that is neither.
    """
    scheme = urlsplit(url).scheme
    if scheme == "sqlite":
        from pipeline.log.sqlite import SqliteLog
        from pipeline.log.sqlite_file import file_of

        return SqliteLog(file_of(url), group=group, prefix=prefix, timeout=timeout, queue_bytes=queue_bytes)
    if scheme == "kafka":
        from pipeline.log.kafka import KafkaLog
        from pipeline.log.kafka_address import KafkaAddress

        return KafkaLog(
            KafkaAddress.of(url),
            group=group,
            prefix=prefix,
            timeout=timeout,
            queue_bytes=queue_bytes,
            replication=replication,
            retention_hours=retention_hours,
        )
    raise InvalidSetting(f"log is sqlite:///FILE or kafka://host:port, not {url!r}", field="log")
