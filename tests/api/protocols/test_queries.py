"""Many queries read at once are read as each of them is, or not at all."""

from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlencode

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as some

from api.protocols import gtag, matomo
from api.protocols.protocol import Asked, Posted, Protocol, Told
from api.protocols.queries import fields_of_all

PIECES = some.sampled_from((
    *("a", "b", "=", "&", "&", "%", "%3D", "%26", "%22", '"', "%5C", "\\", "%0A", "\n", "\r", "%0d", "%1E", "\x1e"),
    *("+", "%2B", "%20", "%C3%BC", "ü", "%FF", "%ED%A0%80", "%7F", "%00", "\t", " ", "2", "0", "_", ".", ",", ":", "{"),
))  # fmt: skip
PLAIN = some.dictionaries(
    some.text(some.sampled_from("abü%&=+ ~."), min_size=1, max_size=3),
    some.text(some.sampled_from("abü%&=+ ~/:?.{},'\u2028\U0001f600"), max_size=9),
    min_size=1,
    max_size=3,
)


@settings(max_examples=250)
@given(some.lists(some.lists(PIECES, max_size=7).map("".join), min_size=1, max_size=3))
@example(["a=%22%2C%22b%22%3A%22c"])
@example(["a=x%22%2C%22a%22%3A%22y"])
@example(["a=1%", "b=2"])
@example(["a=1%\n"])
@example(["a=1%\r"])
@example(["a=1&a=2"])
@example(["=x&a=1"])
@example(["a=%5Cn"])
@example(["a=%%3D"])
@example(["a=1%=2&b=3"])
@example(["a=%0"])
@example(["a=1=2&b"])
@example(["a=1%1Eb=2", "c=3"])
def test_what_is_read_at_once_is_what_is_read_one_by_one(queries: list[str]) -> None:
    found = fields_of_all(queries)
    if found is None:
        return
    expected = [{name: value for name, value in parse_qsl(one, keep_blank_values=True) if name} for one in queries]
    assert [fields for fields, _ in found] == expected
    assert [told for _, told in found] == [msgspec.json.encode(fields) for fields, _ in found]


@settings(max_examples=60)
@given(some.lists(PLAIN, min_size=1, max_size=3))
def test_usual_queries_are_read_at_once(told: list[dict[str, str]]) -> None:
    found = fields_of_all([urlencode(one, quote_via=quote_plus) for one in told])
    assert found == [(one, msgspec.json.encode(one)) for one in told]


NAMES = ("rand", "url", "cdt", "e_c", "e_a", "e_v", "new_visit", "dimension1", "en", "ep.a", "epn.b", "dl", "pr1", "_s")
FIELDS = some.dictionaries(some.sampled_from(NAMES), some.sampled_from(("1", "", "ü &=%", "x?pk_campaign=a", "2.5")))


def made(protocol: Protocol, path: str, query: str, body: str) -> list[Any]:
    found = protocol.read(Asked("POST", path, query, {}, body.encode(), 1_700_000_000_000))
    assert isinstance(found, list)
    posted: list[Posted] = found
    told = [Told(Asked("POST", path, query, {}, b"", 1), each, False, lambda address, agent: "day") for each in posted]
    return [event for each in told for note in each.posted.notes for event in protocol.mapped(note, each)]


@settings(max_examples=60)
@given(some.lists(FIELDS, min_size=1, max_size=3))
def test_events_are_the_same_whether_their_queries_are_read_at_once_or_not(told: list[dict[str, str]]) -> None:
    usual = [urlencode({"idsite": "1", "rec": "1", **one}) for one in told]
    # A request that cannot be read at once is put behind them, so that they are not either.
    at_once, alone = (
        made(matomo.PROTOCOL, "/matomo.php", "", msgspec.json.encode({"requests": [*usual, *more]}).decode())
        for more in ([], ["idsite=1&rec=0&a=%5C"])
    )
    assert at_once == alone[: len(at_once)]
    hits = [urlencode({"en": "seen", **one}) for one in told]
    at_once, alone = (
        made(gtag.PROTOCOL, "/g/collect", "v=2&tid=1&cid=7", "\r\n".join([*hits, *more]))
        for more in ([], ["en=x&a=%5C"])
    )
    assert at_once == alone[: len(at_once)]
