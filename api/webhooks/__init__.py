"""Vendors' webhooks: `/webhooks/{vendor}` takes what a vendor posts and makes events of it.

    request -> whose key -> signature -> the vendor's module: events and what cannot be mapped -> the collector's log

One module a vendor, all of one shape: MEANINGS says what each of its notes becomes, `signed` checks a signature,
`mapped` makes events. They are pure: a request in, events out. `vendors.py` lists them, `door.py` is the route.
"""
