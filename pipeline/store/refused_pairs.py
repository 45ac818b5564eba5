"""Pairs that do not count, as the identity agent and questions read and write them: the table `refusals`."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from msgspec.structs import astuple

from pipeline.store.facts import CHUNK, mirrored
from pipeline.store.port import Store
from pipeline.store.sql import load
from schemas.facts import RefusedPair

TABLE: Final = "refusals"


class RefusedPairs:
    """Synchronous, like the store. Every row is stored in both directions, written in one insert."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, project: str, identifiers: Iterable[int]) -> list[RefusedPair]:
        """Those that name an identifier, each once, identifier < other."""
        wanted = sorted(set(identifiers))
        found: dict[tuple[int, int], RefusedPair] = {}
        for start in range(0, len(wanted), CHUNK):
            parameters = {"project": project, "identifiers": wanted[start : start + CHUNK]}
            for row in self._store.query(load("pipeline.store.reads", "refusals_of_identifiers"), parameters):
                refusal = RefusedPair(*row)
                one = refusal if refusal.identifier < refusal.other else _mirrored(refusal)
                found[one.identifier, one.other] = one
        return list(found.values())

    def write(self, upserts: Sequence[RefusedPair], retracts: Sequence[RefusedPair], version: int) -> None:
        """Rows in one direction. Retracts are written with `version`, upserts with `version` + 1."""
        if not upserts and not retracts:
            return
        gone = [*retracts, *map(_mirrored, retracts)]
        rows = [*gone, *upserts, *map(_mirrored, upserts)]
        columns: list[Sequence[Any]] = list(zip(*map(astuple, rows), strict=True))
        columns.append([version] * len(gone) + [version + 1] * (len(rows) - len(gone)))
        columns.append([1] * len(gone) + [0] * (len(rows) - len(gone)))
        self._store.insert(TABLE, columns)


def _mirrored(refusal: RefusedPair) -> RefusedPair:
    turned = mirrored(refusal)
    assert isinstance(turned, RefusedPair)
    return turned
