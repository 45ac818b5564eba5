"""Other trackers' protocols, at the paths that their clients use and with the answers that they expect.

    request -> the protocol's module: whose key, which notes -> events of our own form -> the collector's log

One module a protocol, all of one shape: PATHS are its routes, HOMES say where its fields go, BECOMES what its events
are called here; `read` takes a request apart, `mapped` makes events of one note. They are pure: a request in, events
out. `protocols.py` lists them, `door.py` finds the one that is asked.

**The key.** The field in which a client names its site or project carries our write key. Where it cannot (a number, a
domain), or where the pages shall stay as they are, it carries what it always did, and that is an alias of the source:
`wayfare key alias site matomo:1`, a second name of the same key.
"""
