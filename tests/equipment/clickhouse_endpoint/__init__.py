"""A ClickHouse server for tests, where none can be installed: chdb behind the native protocol and HTTP.

    python -m tests.equipment.clickhouse_endpoint FOLDER --tcp PORT --http PORT [--password PASSWORD]

The engine is ClickHouse's own, so what it answers, refuses and stores is what a server would. What is ours is the
protocol around it, at one revision: uncompressed, with parameters bound by the server, without external tables.
Users: `default` (the password given, none by default) and `bi` (password `bi`, may only read). Not for production.
"""
