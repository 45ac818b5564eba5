"""A key's aliases: what other trackers' clients call its site, a second name of the same key."""

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


def test_an_alias_leads_to_its_key_until_it_is_taken_off(shop: Definitions, store: Store) -> None:
    _, key = shop.new_key("shop", "write", "site")
    shop.set_aliases("shop", "site", ("matomo:1", "plausible:shop.example", "matomo:1"))
    found = Definitions(store).snapshot().aliases
    assert {alias: one.hash for alias, one in found.items()} == {
        "matomo:1": key.hash,
        "plausible:shop.example": key.hash,
    }
    shop.set_aliases("shop", "site", ())
    assert Definitions(store).snapshot().aliases == {}


def test_a_revoked_key_has_none_in_force(shop: Definitions) -> None:
    shop.new_key("shop", "write", "site")
    shop.set_aliases("shop", "site", ("matomo:1",))
    shop.revoke("shop", "site")
    assert shop.snapshot().aliases == {}
    with pytest.raises(NotFound):
        shop.set_aliases("shop", "site", ())


def test_two_keys_of_any_projects_cannot_have_one_alias(shop: Definitions) -> None:
    shop.save(Project("other"))
    shop.new_key("shop", "write", "site")
    shop.new_key("other", "write", "site")
    shop.set_aliases("shop", "site", ("matomo:1",))
    with pytest.raises(UserMistake, match="another key"):
        shop.set_aliases("other", "site", ("matomo:1",))


@pytest.mark.parametrize("kind", ["server", "vendor", "import"])
def test_a_trusted_source_has_none_as_an_alias_can_be_guessed(shop: Definitions, kind: str) -> None:
    shop.new_key("shop", "write", "site", "site", kind)  # type: ignore[arg-type]
    with pytest.raises(UserMistake, match="guessed"):
        shop.set_aliases("shop", "site", ("matomo:1",))


@pytest.mark.parametrize("alias", ["", "1", "matomo:", ":1", "Matomo:1", "matomo: 1", "matomo:" + "1" * 300])
def test_an_alias_names_a_protocol_and_a_site(shop: Definitions, alias: str) -> None:
    shop.new_key("shop", "write", "site")
    with pytest.raises(UserMistake, match="matomo:1"):
        shop.set_aliases("shop", "site", (alias,))
