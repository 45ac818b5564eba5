"""lz-string as PostHog's older clients sent it. The texts were compressed by npm's lz-string 1.5.0."""

import json

import pytest

from api.protocols.lz_string import decompressed
from tests.api.protocols.golden import door, sent

COMPRESSED = {
    "": "Q===",
    "a": "IZA=",
    "hello hello hello": "BYUwNmD2AEoTcpA=",
    "Zürich → 東京 😀": "FoH4TglgxgFgBIJMI6EdzQNXJ0LwbgAPaA==",
    "a" * 100: "IY18ZXTt/0g=",
    '{"event":"clicked","uuid":"l-1","properties":{"token":"web-key","distinct_id":"ann"}}': (
        "N4IgpgbmB2AuIC4QGMA2BLZBrMATEANCAK7Hr5KoC0AjISAA4BOA9g2E7OmAM6KiwWOaIhAB3MACMqOAJ71c6Hl2jJYAfXKiAhtBEBffUA=="
    ),
}


@pytest.mark.parametrize("text", COMPRESSED)
def test_what_was_compressed_is_read_again(text: str) -> None:
    assert decompressed(COMPRESSED[text], 1000) == text


@pytest.mark.parametrize("packed", ["", "!", "BYUwNmD2A0AEDukBOYAmBCIA", "AAAA", "gggg", "/" * 50])
def test_what_is_no_such_text_is_refused(packed: str) -> None:
    with pytest.raises(ValueError, match="short|letter|there|characters"):
        decompressed(packed[:-3] if len(packed) > 20 else packed, 20)


def test_no_more_is_unpacked_than_may_be() -> None:
    with pytest.raises(ValueError, match="more than"):
        decompressed(COMPRESSED["a" * 100], 50)


async def test_posthog_sends_it_in_a_form() -> None:
    (text,) = [each for each in COMPRESSED if each.startswith("{")]
    at = door()
    answer = await sent(at, {"path": "/e/?compression=lz64", "form": {"data": COMPRESSED[text]}})
    assert (answer.status_code, at.log.event["event"]) == (200, json.loads(text)["event"])
