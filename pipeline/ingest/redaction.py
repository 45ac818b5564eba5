"""What is taken out of texts before they are kept: e-mail and IP addresses, our own keys, and of addresses of pages the
parameters that no answer reads.

Everything is found from a sign on (an @, a ?) by steps of bounded length, so that no text costs more than a pass.
"""

import re
from functools import lru_cache
from hashlib import sha256
from ipaddress import IPv6Address
from urllib.parse import unquote_plus

import msgspec

from pipeline.domain.identifiers import HASHED, hashed, normal_email
from pipeline.ingest.acquisition import CLICK_IDS
from pipeline.ingest.remembered import remembered
from schemas.definitions import Privacy

REDACTED, ADDRESS, KEY = "[redacted]", "[ip]", "[key]"
EVERY = "*"  # of url_parameters: all are kept

# What a page's address may carry: campaign tags, click ids, what was searched for, what is shown in which order.
PARAMETERS = (
    *("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "utm_id", "utm_source_platform"),
    *("utm_creative_format", "utm_marketing_tactic", "mtm_source", "mtm_medium", "mtm_campaign", "ref", "source"),
    *("q", "query", "s", "search", "search_query", "keyword", "keywords", "term"),
    *("category", "page", "p", "sort", "order", "filter", "tab", "variant", "sku", "product_id", "lang", "locale"),
    *sorted(CLICK_IDS),
)
_KNOWN = frozenset(name.lower() for name in PARAMETERS)

_AT = re.compile(r"@|%(?:25)*40|\\{1,8}u0040")  # the last in a text that is JSON itself
_DOT = r"(?:\.|%(?:25)*2[eE])"
_HOST = re.compile(rf"(?:[\w-]{{1,63}}{_DOT}){{1,32}}([^\W\d_][\w-]{{1,62}})|\[?(?:\d{{1,3}}\.){{3}}\d{{1,3}}\]?")
_LOCAL = frozenset(".+-_'~!$*%")
MOST_READ = 4_096  # characters of a text that is shown
MOST_LOCAL = 64  # characters before the @
_FILES = frozenset(("png", "jpg", "jpeg", "gif", "webp", "avif", "svg", "css", "js"))  # logo@2x.png is no address
_PARAMETERS_IN_TEXT = re.compile(r"([?#])([^\s?#\"'<>\\]+)")
# An address begins behind what is no part of a word, and behind an escape: %20 of an address, \n and \u003d of a text
# that is JSON itself.
_ESCAPES = r"(?<=%[\da-fA-F]{2})(?<!%25)|(?<=%25[\da-fA-F]{2})|(?<=\\[bfnrt])|(?<=\\u[\da-fA-F]{4})"
_BYTE = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = re.compile(rf"(?:(?<![A-Za-z\d.%])|{_ESCAPES})(?:{_BYTE}{_DOT}){{3}}{_BYTE}(?![A-Za-z\d]|\.\d)")
_GROUP, _COLON = r"[\da-fA-F]{1,4}", r"%(?:25)*3[aA]"
_IPV6 = re.compile(
    rf"(?:(?<![A-Za-z\d:.%])|{_ESCAPES})(?:{_GROUP}|(?=::))(?::(?:{_GROUP})?){{1,6}}:"
    rf"(?:(?:\d{{1,3}}\.){{3}}\d{{1,3}}|{_GROUP})?(?![A-Za-z\d:])"
)
_IPV6_ENCODED = re.compile(
    rf"(?:(?<![A-Za-z\d:.%])|{_ESCAPES})(?:{_GROUP})?(?:{_COLON}(?:{_GROUP})?){{2,7}}(?![A-Za-z\d])"
)
_BEFORE_IPV4 = re.compile(r"(?:/|%(?:25)*2f){2}\Z", re.I)
_BEFORE_IPV6 = re.compile(r"(?:/|%(?:25)*2f){2}(?:\[|%(?:25)*5b)\Z", re.I)
MOST_BEFORE_HOST = 24  # characters
_OF_VISITOR = re.compile(r"[23][\da-f]{3}|f[c-f][\da-f]{2}", re.I)  # the first group, as such addresses are given out
_PRODUCT = re.compile(r"[\w.%+-]+\Z")
MOST_PRODUCT = 64  # characters
_IS_PATH = re.compile(r"/|[a-z][a-z\d+.-]{0,30}://|://", re.I)
_KEY = re.compile(r"wf_(?:write|read|admin|bi)_[\w-]+")
_VERSION = re.compile(r"(?<!x86)(?<=\d)((?:[._]\d+)+)")
_BUILD = re.compile(r"(?: Build|Build)/[\w.-]+")


class Redaction(msgspec.Struct, frozen=True):
    """A project's rules of what is kept, names in lower case."""

    emails: bool = True
    addresses: bool = True  # of the internet; a project cannot have them kept
    agents: bool = True  # user agents are reduced
    parameters: frozenset[str] | None = _KNOWN  # None: all
    allowed: frozenset[str] = frozenset()  # none: all
    dropped: frozenset[str] = frozenset()
    hashed: frozenset[str] = frozenset()

    @property
    def has_names(self) -> bool:
        """Whether any property is judged by its name."""
        return bool(self.allowed or self.dropped or self.hashed)


@lru_cache(1024)
def redaction_of(privacy: Privacy) -> Redaction:
    def lower(names: tuple[str, ...]) -> frozenset[str]:
        return frozenset(name.strip().lower() for name in names)

    kept = lower(privacy.url_parameters)
    return Redaction(
        privacy.redact_emails,
        parameters=None if EVERY in kept else _KNOWN | kept,
        allowed=lower(privacy.allowed_properties),
        dropped=lower(privacy.dropped_properties),
        hashed=lower(privacy.hashed_properties),
    )


def without_emails(text: str) -> str:
    r"""The text with every e-mail address in it replaced by `[redacted]`, with its @ as it is, as %40 or as \u0040."""
    if "@" not in text and "40" not in text:
        return text
    parts, kept_to = [], 0
    for sign in _AT.finditer(text):
        found = _address_at(text, sign, kept_to)
        if found is not None:
            parts += [text[kept_to : found[0]], REDACTED]
            kept_to = found[1]
    return "".join(parts) + text[kept_to:] if parts else text


def without_addresses(text: str) -> str:
    """The text with every IP address in it replaced by `[ip]`, its dots and colons percent-encoded or not.

    The host of a page's address stays, as it is the site's. So does a version behind a product's name and a slash, as
    in Chrome/140.0.0.0: in the address of a page only what a space follows is one.
    """
    if text.count(".") >= 3 or "%2" in text:
        is_path = _IS_PATH.match(text) is not None

        def hidden(found: re.Match[str]) -> str:
            start = found.start()
            stays = _is_host(found, _BEFORE_IPV4) or (
                text[start - 1 : start] == "/"
                and (text[found.end() : found.end() + 1] == " " or not is_path)
                and _is_behind_product(text, start - 1)
            )
            return found[0] if stays else ADDRESS

        text = _IPV4.sub(hidden, text)
    if text.count(":") >= 2:
        text = _IPV6.sub(_hidden_v6, text)
    return _IPV6_ENCODED.sub(_hidden_v6, text) if "%" in text else text


def _is_behind_product(text: str, slash: int) -> bool:
    """Whether before a slash is a name that is no part of a path: Chrome/, but not /visits/."""
    before = text[max(0, slash - MOST_PRODUCT) : slash]
    name = _PRODUCT.search(before)
    return name is not None and before[: name.start()][-1:] != "/"


def _hidden_v6(found: re.Match[str]) -> str:
    """A word of code, a::b, is written like an address, and so are two numbers, 12::7: a visitor's begins as those do
    that are given out, or with four digits and three colons at least, or is an IPv4 address in this form.
    """
    written = re.sub(_COLON, ":", found[0])
    try:
        address = IPv6Address(written)
    except ValueError:
        return found[0]
    first, is_long = written.partition(":")[0], written.count(":") >= 3
    is_visitors = _OF_VISITOR.fullmatch(first) or (is_long and (len(first) == 4 or address.ipv4_mapped))
    return ADDRESS if is_visitors and not _is_host(found, _BEFORE_IPV6) else found[0]


def _is_host(found: re.Match[str], before: re.Pattern[str]) -> bool:
    """Whether it is the host of a page's address, as that begins."""
    return before.search(found.string[max(0, found.start() - MOST_BEFORE_HOST) : found.start()]) is not None


def without_keys(text: str) -> str:
    """The text with every key of ours in it replaced by `[key]`."""
    return _KEY.sub(KEY, text) if "wf_" in text else text


def without_secrets(text: str) -> str:
    """The text without e-mail addresses, IP addresses and keys."""
    return without_keys(without_addresses(without_emails(text)))


def shown(text: str, most: int = 80) -> str:
    """A sender's text in quotes, as words to a reject or an error may have it: it is cut when nothing secret is left in
    it, as half of an e-mail address would not be known for one.
    """
    return repr(without_secrets(text[:MOST_READ])[:most])


def _address_at(text: str, sign: re.Match[str], least: int) -> tuple[int, int] | None:
    """(start, end) of the address around an @; None where there is none."""
    if sign.start() < least or (host := _HOST.match(text, sign.end())) is None:
        return None
    if host[1] and host[1].lower() in _FILES:
        return None
    start, least = sign.start(), max(least, sign.start() - MOST_LOCAL)
    while start > least and (text[start - 1].isalnum() or text[start - 1] in _LOCAL):
        start -= 1
    return (start, host.end()) if start < sign.start() else None


@remembered(1 << 14)
def redacted_id(text: str, emails: bool = True) -> str:
    """An id as it is kept: one that is or holds an e-mail address, an IP address or a key becomes `sha256:` and a hash,
    the same every time.

    Of an e-mail alone it is the hash of its normal form, so that spellings of it stay one person. `emails`: whether
    they are hashed.
    """
    if emails and (normal := normal_email(text)):
        return HASHED + hashed(normal)
    kept = without_keys(without_addresses(without_emails(text) if emails else text))
    return text if kept == text else HASHED + sha256(text.encode()).hexdigest()


@remembered(1 << 13)
def with_known_parameters(text: str, kept: frozenset[str]) -> str:
    """A text with the parameters of addresses in it reduced to the names; behind # too, where they have values."""

    def known(part: re.Match[str]) -> str:
        sign, query = part[1], part[2]
        if sign == "#" and "=" not in query:
            return part[0]
        names = ((one, unquote_plus(one.partition("=")[0]).lower()) for one in query.split("&"))
        rest = "&".join(one for one, name in names if name in kept)
        return sign + rest if rest else ""

    return _PARAMETERS_IN_TEXT.sub(known, text)


@remembered(1 << 12)
def _is_known(query: str, kept: frozenset[str]) -> bool:
    return all(unquote_plus(one.partition("=")[0]).lower() in kept for one in query.split("&"))


def has_unknown_parameters(text: str, kept: frozenset[str]) -> bool:
    """Whether a text may hold parameters that are not kept. Quick: most properties hold none, or known ones."""
    return any(
        not _is_known(part[2], kept) for part in _PARAMETERS_IN_TEXT.finditer(text) if part[1] == "?" or "=" in part[2]
    )


def is_address(text: str) -> bool:
    """Whether parameters are looked for in it: an address with or without its host, or what follows the ? of one."""
    return text[:1] in ("/", "?", "#") or "://" in text


def redacted(text: str, rules: Redaction) -> str:
    """A text as it may be kept."""
    if text.isalnum():  # most names and short values
        return text
    if rules.emails:
        text = without_emails(text)
    if rules.addresses:
        text = without_addresses(text)
    text = without_keys(text)
    if rules.parameters is not None and ("?" in text or "#" in text) and is_address(text):
        text = with_known_parameters(text, rules.parameters)
    return text


@remembered(1 << 12)
def reduced_agent(text: str) -> str:
    """A user agent with its versions cut to their first number and without the build of a device: enough to tell
    browser, system and kind of device, as browsers reduce it themselves.
    """
    return _VERSION.sub(_zeros, _BUILD.sub("", text))


def _zeros(rest: re.Match[str]) -> str:
    return re.sub(r"\d+", "0", rest[1])
