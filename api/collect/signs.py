r"""Signs in the bytes of JSON that it may hold what may not be kept: addresses, e-mails, phone numbers, our keys.

Quick, as every byte that is sent is searched, and never wrong when they say no; where they say yes it is read in full
(pipeline.ingest.redacted_event). Names are signs as they are in `properties.IP_KEYS` and its like, and any with `phone`
or an address's name in it. A line break in a text is written with a letter, \n, that belongs to no word.
"""

import re
from collections.abc import Iterable

import numpy as np
import re2

MOST_AGENTS, MOST_AGENT = 1 << 12, 512  # that are remembered; characters of one
NO_TEXTS = 1 << 40  # a count
MOST_NAME = 80  # bytes of a product's name and its first number
FEW = 4_096  # bytes, in which one search for all signs costs less than one for each
_IP = rb"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d"
# Digits behind a letter, or behind a product's name and a slash and before a space, are a version, as Chrome/140.0.0.0
# in most user agents. A name behind a slash is a part of a path, and behind a backslash it may have an escape in it.
_NAMED = rb"[\w.%+\x80-\xff-]"
_BEHIND_A_SLASH = rb"(?:/%b*\\?|\\%b+\\?|[^/\\\w.%%+\x80-\xff-]\\?|\\\\\\?)/" % (_NAMED, _NAMED)
_IPV4 = rb"(?:[^a-zA-Z\d./]|\\[bfnrt])" + _IP
_IPV4_BEHIND_A_SLASH = rb"/" + _IP + rb"\d*[^\d ]"
_IPV4_IN_A_PATH = _BEHIND_A_SLASH + _IP
_IPV6 = rb":(?:[\da-fA-F]{1,4}:(?::|[\da-fA-F]{1,4}:)|:[\da-fA-F]{0,4}[^\w])"
# What an escape is before, as in %20203.0.113.9, or has dots or colons written with it.
_ENCODED = rb"%(?:25|[\da-fA-F]{2}" + _IP + rb"|2[eE]\d{1,3}%2[eE]\d{1,3}%2[eE]\d|3[aA][\da-fA-F]{0,4}%3[aA])"
_KEY = rb"wf_"
_EMAIL = rb'(?:^|[^"/ ])@|%40|%25'  # an @ behind what may be a name, or one that is percent-encoded
_NAME = (
    rb'(?i)"(?:writekey"|(?:x[_ -]?)?(?:(?:client|real|remote|request|source|user|visitor)[_ -]?)?ip(?:v[46])?"'
    rb'|remote[_ -]?addr(?:ess)?"|(?:x[_ -]?)?forwarded[_ -]?for"|[a-z_ -]*(?:phone|ip[_ -]?addr)[\w -]*")'
)
_ESCAPED = b"\\u"
_ESCAPE = rb"\\u"  # what is written with escapes may be any of them


def _found_by(*patterns: bytes) -> re2.Set:
    """One pass for all: in the few hundred bytes of an event what a search costs is its call."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.never_capture = True
    found = re2.Set.SearchSet(options)
    for pattern in patterns:
        found.Add(pattern)
    found.Compile()
    return found


_OF_SECRETS = (_IPV4, _IPV4_BEHIND_A_SLASH, _IPV4_IN_A_PATH, _IPV6, _ENCODED, _KEY, _ESCAPE)
_SECRETS = _found_by(*_OF_SECRETS)
_SIGNS = _found_by(*_OF_SECRETS, _EMAIL, _NAME)
_NAMES = _found_by(_NAME)

# In a body of many events each search goes from byte to byte of one kind: RE2 finds those several at a time, where its
# pattern begins with one; `re` is slower, and can look back.
_DOTS = re.compile(
    rb"\.(?=\d{1,3}+\.\d{1,3}+\.\d)(?:(?<=[^a-zA-Z\d.]\d\.)|(?<=[^a-zA-Z\d.]\d\d\.)|(?<=[^a-zA-Z\d.]\d\d\d\.)"
    rb"|(?<=\\[bfnrt]\d\.)|(?<=\\[bfnrt]\d\d\.)|(?<=\\[bfnrt]\d\d\d\.))"
)
# Backwards, from the first dot on.
_AS_VERSION = re.compile(rb"\d{1,3}+/\\?%b++(?![/\\])" % _NAMED)
_REST_OF_VERSION = re.compile(rb"\.\d+\.\d+\.\d+ ")
_COLONS, _PERCENTS, _KEYS = re2.compile(_IPV6), re2.compile(_ENCODED), re2.compile(_KEY)
# Of PHONE_KEYS, as each has them. Both begin with a letter that is rarer than the p.
_PHONES = re2.compile(rb'hone[\w -]*"'), re2.compile(rb'HONE[\w -]*"')


def may_not_be_kept(event: bytes) -> bool:
    """Whether an event has any of the signs."""
    return _SIGNS.Match(event) is not None


def may_hold_secret(raw: bytes, own_keys: int = 0, agents: Iterable[object] = ()) -> bool:
    """Whether a text may hold an IP address, or a key of ours beside so many that it names as its sender's.

    `agents`, of those that are texts, each stands in `raw` as often as here, as a whole JSON string without escapes.
    """
    if len(raw) <= FEW and not own_keys:
        return _SECRETS.Match(raw) is not None
    return (
        _may_hold_dotted(raw, agents)
        or _COLONS.search(raw) is not None
        or (b"%" in raw and _PERCENTS.search(raw) is not None)
        or (b"\\" in raw and _ESCAPED in raw)
        or (_KEYS.search(raw) is not None and raw.count(_KEY) > own_keys)
    )


def _may_hold_dotted(raw: bytes, agents: Iterable[object]) -> bool:
    """Most bodies have no three dots as near to each other as an address's but in the versions of user agents, which
    are the same again and again: where so many are in the agents, there is none in what is between them.
    """
    near = _near_dots(raw)
    if near and near == sum([_AGENTS[agent] for agent in agents if type(agent) is str]):
        return False
    return near > 0 and not all(_is_version(raw, found.start()) for found in _DOTS.finditer(raw))


def _is_version(raw: bytes, dot: int) -> bool:
    """Whether digits with their first dot here are a product's."""
    is_named = _AS_VERSION.match(raw[max(0, dot - MOST_NAME) : dot][::-1]) is not None
    return is_named and _REST_OF_VERSION.match(raw, dot) is not None


def _near_dots(raw: bytes) -> int:
    """How often three dots in a row have at most three bytes between two of them."""
    dots = (np.frombuffer(raw, np.uint8) == ord(".")).nonzero()[0]
    are_near = dots[1:] - dots[:-1] <= 4
    return int(np.count_nonzero(are_near[1:] & are_near[:-1]))


class _Agents(dict[str, int]):
    """How many dots are near in a user agent that is none of the signs; what no text has where it may be one."""

    def __missing__(self, agent: str) -> int:
        quoted = b'"%b"' % agent.encode()
        found = NO_TEXTS if _may_hold_dotted(quoted, ()) else _near_dots(quoted)
        if len(agent) <= MOST_AGENT:
            if len(self) >= MOST_AGENTS:
                self.clear()
            self[agent] = found
        return found


_AGENTS = _Agents()


def may_hold_email(raw: bytes) -> bool:
    """Whether a text may hold an e-mail address."""
    at = raw.find(b"@")
    while at >= 0:
        if raw[at - 1 : at] not in (b'"', b"/", b" "):
            return True
        at = raw.find(b"@", at + 1)
    if raw.find(b"%") >= 0 and (raw.rfind(b"%40") >= 0 or raw.rfind(b"%25") >= 0):
        return True
    return raw.find(b"\\") >= 0 and raw.rfind(b"\\u0040") >= 0


def may_name_phone(raw: bytes) -> bool:
    """Whether one of the names in a text may be a phone number's. Of an address the value is a sign, too."""
    lower, upper = _PHONES
    return lower.search(raw) is not None or upper.search(raw) is not None


def names_address_or_phone(raw: bytes) -> bool:
    """Whether a text has a name, in quotes, that is an address's, a phone number's or a key's."""
    return _NAMES.Match(raw) is not None
