"""Every kind of note that a vendor publishes is mapped, or answered and left out; one that it does not is a reject."""

import json
from typing import Any

import pytest

from api.webhooks.vendor import Meaning, meaning_of
from api.webhooks.vendors import VENDORS
from tests.api.webhooks.published import KINDS, kinds, posted
from tests.ingest.sending import accepted


def raw(body: Any) -> bytes:
    return json.dumps(body).encode()


@pytest.mark.parametrize("vendor", KINDS)
def test_every_published_kind_of_note_has_its_row_and_what_it_becomes_is_accepted(vendor: str) -> None:
    for kind in kinds(vendor):
        found = VENDORS[vendor].mapped(posted(vendor, kind, raw))
        assert not found.unmapped, kind
        for event in found.events:
            assert accepted(event, kind="vendor", received_at=2_000_000_000_000), kind


@pytest.mark.parametrize("vendor", KINDS)
def test_a_kind_that_nobody_published_is_a_reject_once(vendor: str) -> None:
    found = VENDORS[vendor].mapped(posted(vendor, "dreamt_up", raw))
    assert (len(found.events), len(found.unmapped)) == (0, 1)


def test_a_word_has_its_own_row_before_that_of_its_nearest_family() -> None:
    own, near, far = Meaning("Own"), Meaning("Near"), Meaning("Far")
    rows = {"a.b.c": own, "a.b.*": near, "a.*": far}
    assert [meaning_of(word, rows) for word in ("a.b.c", "a.b.d", "a.x", "a", "b.a")] == [own, near, far, None, None]
