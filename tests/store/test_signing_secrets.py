"""A vendor's source has a signing secret, which stays with its key and opens nothing else."""

import pytest

from pipeline.errors import NotFound, UserMistake
from pipeline.store.definitions import Definitions
from pipeline.store.port import Store
from schemas.definitions import Project

pytestmark = pytest.mark.parametrize("store", ["embedded"], indirect=True)


@pytest.fixture
def shop(store: Store) -> Definitions:
    definitions = Definitions(store)
    definitions.save(Project("shop"))
    return definitions


def test_a_secret_is_set_changed_and_taken_off_and_every_process_sees_it(shop: Definitions, store: Store) -> None:
    _, key = shop.new_key("shop", "write", "mail", "mail", "vendor")
    assert key.signing_secret == ""
    for secret in ("first", "second", ""):
        shop.set_secret("shop", "mail", secret)
        found = Definitions(store).snapshot().keys[key.hash]
        assert (found.signing_secret, found.source, found.source_kind) == (secret, "mail", "vendor")


@pytest.mark.parametrize("kind", ["browser", "app", "server", "import"])
def test_only_sources_of_vendors_have_one(shop: Definitions, kind: str) -> None:
    shop.new_key("shop", "write", "site", "site", kind)  # type: ignore[arg-type]
    with pytest.raises(UserMistake, match="kind vendor"):
        shop.set_secret("shop", "site", "s")


def test_a_key_that_is_not_in_force_has_none(shop: Definitions) -> None:
    shop.new_key("shop", "write", "mail", "mail", "vendor")
    shop.revoke("shop", "mail")
    for name in ("mail", "nobody"):
        with pytest.raises(NotFound):
            shop.set_secret("shop", name, "s")
