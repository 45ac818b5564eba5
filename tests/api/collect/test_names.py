"""Names of addresses, phone numbers and keys, and addresses and keys themselves, are found wherever they stand, as a
slow search would find them.
"""

import re
from ipaddress import IPv4Address, IPv6Address

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from api.collect.signs import (
    FEW,
    may_hold_email,
    may_hold_secret,
    may_name_phone,
    may_not_be_kept,
    names_address_or_phone,
)
from pipeline.ingest.properties import IP_KEYS, PHONE_KEYS
from pipeline.ingest.redaction import ADDRESS, KEY, without_addresses, without_keys

SLOW = re.compile(rb'"(?:writeKey|[a-z_ -]*ip[_ -]?addr[\w -]*|[a-z_ -]*(?:phone|telephone)[\w -]*)"', re.I)
IPS = {f'"{name}"'.lower() for name in IP_KEYS}
PIECES = (
    '"',
    "phone",
    "Phone",
    "tele",
    "i",
    "ip",
    "IP",
    "_",
    "addr",
    "ipAddress",
    "writeKey",
    "request_ip",
    "2",
    "(",
    ":",
    "x",
    "-",
    " ",
    "client",
)


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
@example('{"userAgent":"Mozilla/5.0 (iPhone; CPU)"}')
@example('{"homePhone2":1}')
@example('{"2phone":1}')
def test_they_are_found_as_the_slow_pattern_finds_them(text: str) -> None:
    raw = text.encode()
    found = SLOW.search(raw) is not None or any(name in text.lower() for name in IPS)
    assert names_address_or_phone(raw) == found


def test_every_name_that_is_looked_at_when_an_event_is_read_is_a_sign() -> None:
    for name in PHONE_KEYS | IP_KEYS:
        assert names_address_or_phone(msgspec.json.encode({name: 1})), name
        assert name in IP_KEYS or may_name_phone(msgspec.json.encode({name: 1})), name


ADDRESSES = st.one_of(
    st.integers(0, 2**32 - 1).map(lambda number: str(IPv4Address(number))),
    st.integers(2**125, 2**126 - 1).map(lambda number: str(IPv6Address(number))),
    st.integers(0, 2**16 - 1).map(lambda number: f"2001::{number:x}"),
    st.integers(1, 2**16 - 1).map(lambda number: f"fe80::{number:x}"),
    st.integers(2**16, 2**32 - 1).map(lambda number: f"::ffff:{number >> 16:x}:{number & 0xFFFF:x}"),
    st.integers(2**125, 2**126 - 1).map(lambda number: IPv6Address(number).exploded.upper()),
)
AROUND = st.sampled_from(
    (
        "", " ", "=", "(", "/", "//", "/ip/", "?ip=", ",", "...", "Chrome/", "for ", '"', "ü", ":", "a", "\n", "\t",
        "\\", "_", "-", "%20", "%3D", "%", "\\n", "\\/", "\\u003d", "u", "n", "é/", "My%20App/",
    )
)  # fmt: skip
ENCODED = ADDRESSES.map(lambda text: text.replace(":", "%3A").replace(".", "%2E"))
TEXTS = st.lists(
    st.one_of(AROUND, ADDRESSES, ENCODED, st.sampled_from(("wf_write_Ab-9", "1.2.3", "12:30:45"))), max_size=6
)


@given(TEXTS.map("".join))
def test_what_would_be_taken_out_of_a_text_has_a_sign(text: str) -> None:
    raw = msgspec.json.encode({"properties": {"said": text}})
    assert may_hold_secret(raw) or without_keys(without_addresses(text)) == text
    assert may_hold_secret(raw + b" " * FEW) == may_hold_secret(raw)


AGENTS = st.lists(
    st.sampled_from(("Chrome/140.0.0.0 ", "Edg/140.0.3485.54", "Safari", "1.2", ".3", ".", "4.5.6.7", "/", "ü", " ")),
    max_size=4,
).map("".join)


@given(st.lists(st.tuples(AGENTS, TEXTS.map("".join)), max_size=4))
@example([("Chrome/140.0.0.0 Safari", "seen from 203.0.113.9 ")])
@example([("Chrome/140.0.0.0 Safari", ""), ("4.5.6.7", "")])
def test_the_versions_in_user_agents_hide_no_address(told: list[tuple[str, str]]) -> None:
    events = [{"userAgent": agent, "said": text.replace("\\", "").replace('"', "")} for agent, text in told]
    raw = msgspec.json.encode(events) + b" " * FEW
    if b"\\" not in raw:
        agents: list[object] = [agent for agent, _ in told]
        assert may_hold_secret(raw, 0, [*agents, 4, ["4.5.6.7"]]) == may_hold_secret(raw)


MAILS = st.lists(st.sampled_from(("@", "a", "/", '"', " ", "%40", "%25", "%", "4", "ü", "\n", "\ud800")), max_size=6)


@given(TEXTS, MAILS, st.lists(st.sampled_from(PIECES), max_size=6))
def test_one_search_finds_every_sign_that_each_alone_does(texts: list[str], mails: list[str], names: list[str]) -> None:
    raw = "".join((*texts, *mails, *names)).encode("utf-8", "backslashreplace")
    alone = may_hold_email(raw), may_hold_secret(raw), names_address_or_phone(raw), b"\\u" in raw
    assert may_not_be_kept(raw) == any(alone)


BEFORE = (
    "", "?", "from ", "at (", "x=", "https://shop.example/visits?of=", "/visits/", "GET /visits/", "no way to /", "ip_",
    "/search?q=of%20", "a%3D", "%2520", '{"said": "a\\n', '{"url": "?ip\\u003d',
)  # fmt: skip


@given(ADDRESSES | ENCODED, st.sampled_from(BEFORE))
def test_an_address_alone_or_in_a_text_is_taken_out(address: str, before: str) -> None:
    for behind in ("", ", again", "&a=1", ")", ".", " HTTP/1.1", "_b"):
        found = without_addresses(before + address + behind)
        assert found == f"{before}{ADDRESS}{behind}"


def test_what_is_only_written_like_an_address_stays() -> None:
    for text in (
        "Mozilla/5.0 (X11) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.3485.54", "Edg/120.0.0.0", "v1.2.3.4", "1.2.3",
        "http://203.0.113.9:8080/a", "http://[2001:db8::1]:8080/a", "12:30:45", "00:1b:44:11:3a:b7", "1.2.3.4.5",
        "std::vector", "a::b", "12::7", "1234::5678", "cafe::add", "okhttp/4.9.0.1 (Pixel)", "at%3A10%3A30", "x%2Ejs",
        "http%3A%2F%2F203.0.113.9%3A8080%2F", "http%253A%252F%252F%5B2001%3Adb8%3A%3A1%5D%2F",
        "999.1.1.1", "2025-10-09T08:53:20.000Z",
    ):  # fmt: skip
        assert without_addresses(text) == text
    assert without_keys("key wf_write_Ab-9, or wf_plan") == f"key {KEY}, or wf_plan"
