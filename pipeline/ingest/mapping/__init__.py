"""The mapping language: a TOML file says what event a record of anybody's becomes. Pure.

    paths.py     `$.order.lines[0].sku`: where a value stands in a record
    values.py    a value of the event: a path, a constant, the first of several, read as a number or a time
    mapping.py   the file: which records, which event, and whether it is signed

Used alike for files (`wayfare import --mapping`) and for webhooks (`/webhooks/{name}`).
"""
