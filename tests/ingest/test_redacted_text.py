"""A payload that is no JSON, as it is kept."""

from typing import get_args

from pipeline.ingest.redacted_event import redacted_text
from pipeline.ingest.redaction import Redaction
from pipeline.store.definitions import KeyKind


def test_no_key_of_any_kind_is_kept() -> None:
    for kind in get_args(KeyKind):
        assert redacted_text(f"password=wf_{kind}_Ab-9_x, and", Redaction()) == "password=[key], and"
