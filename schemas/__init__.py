"""What crosses a border: events on the wire, records of the logs, facts, definitions and ClickHouse's tables.

No logic lives here and nothing of ours is imported.
"""
