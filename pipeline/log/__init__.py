"""The log's port: three topics of partitions, appended to by the collector and by agents, read through Faust.

`open_log(url, settings)` gives the adapter for `sqlite:///...` or `kafka://host:port,...`.
"""
