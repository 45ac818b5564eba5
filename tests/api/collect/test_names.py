"""Names of addresses, phone numbers and keys are found wherever they stand, as a slow pattern would find them."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from api.collect.visitors import names_address_or_phone

SLOW = re.compile(rb'"(?:ip|request_ip|writeKey|[a-z_]*ip_?addr\w*|[a-z_]*(?:phone|telephone)\w*)"', re.I)
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
)


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
@example('{"userAgent":"Mozilla/5.0 (iPhone; CPU)"}')
@example('{"homePhone2":1}')
@example('{"2phone":1}')
def test_they_are_found_as_the_slow_pattern_finds_them(text: str) -> None:
    raw = text.encode()
    assert names_address_or_phone(raw) == (SLOW.search(raw) is not None)
