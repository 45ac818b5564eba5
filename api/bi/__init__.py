"""The views for BI tools over ClickHouse's HTTP interface, on the embedded store: `/bi/`.

A ClickHouse server has that interface itself, and tools connect there. `asked` makes a statement of a request, `door`
has the routes.
"""

from fastapi import APIRouter

from api.runtime import Runtime


def router(runtime: Runtime) -> APIRouter:
    """Nothing where the store is a ClickHouse server: it has no sessions to give away."""
    if not hasattr(runtime.store, "guest"):
        return APIRouter()
    # Imported here: it brings chdb, half a gigabyte of library.
    from api.bi import door

    return door.router(runtime)
