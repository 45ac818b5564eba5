"""What a user agent says: bot or not, browser, operating system, kind of device.

Bots: PyPI's crawler-user-agents (MIT, kept and released monthly). Browser and system: uap-core through ua-parser.
"""

import re
from functools import cache
from typing import NamedTuple

from crawleruseragents import is_crawler  # type: ignore[import-untyped]
from ua_parser import BestAvailableResolver, Domain, Resolver, load_lazy_builtins

from pipeline.ingest.remembered import Remembered

_TV = re.compile(r"smart-?tv|appletv|apple tv|hbbtv|web0s|netcast|googletv|bravia|crkey|roku|\baft[a-z]{1,3}\b", re.I)
_TABLET = re.compile(r"ipad|tablet|kindle|silk/|playbook|^(?!dalvik/).*android(?!.*mobile)", re.I)
_MOBILE = re.compile(r"mobi|iphone|ipod|windows phone|blackberry|opera mini|^dalvik/", re.I)  # Android apps' own
_DESKTOP = re.compile(r"windows nt|macintosh|x11|linux|cros", re.I)

_DEVICE_TYPES = {
    **dict.fromkeys(("desktop", "pc", "computer", "laptop", "mac", "macos", "windows", "linux", "web"), "desktop"),
    **dict.fromkeys(("mobile", "phone", "smartphone", "handset", "ios", "iphone", "android"), "mobile"),
    **dict.fromkeys(("tablet", "ipad"), "tablet"),
    **dict.fromkeys(("tv", "smarttv", "smart_tv", "television", "tvos", "settopbox", "console"), "tv"),
    "bot": "bot",
}
_SYSTEMS = {
    **dict.fromkeys(("ios", "iphone os", "ipados"), "iOS"),
    **dict.fromkeys(("macos", "mac os x"), "Mac OS X"),
    "android": "Android",
    "windows": "Windows",
    "linux": "Linux",
}


class Agent(NamedTuple):
    is_bot: bool
    browser: str
    os: str
    device_type: str  # desktop, mobile, tablet, tv, bot, other; "" = no user agent


NO_AGENT = Agent(False, "", "", "")


def _device_type(text: str) -> str:
    for kind, pattern in (("tv", _TV), ("tablet", _TABLET), ("mobile", _MOBILE), ("desktop", _DESKTOP)):
        if pattern.search(text):
            return kind
    return "other"


@cache
def _parser() -> Resolver:
    """For browsers and systems alone: most expressions are for models of devices, of which nothing is asked."""
    browsers, systems, _ = load_lazy_builtins()
    return BestAvailableResolver((browsers, systems, []))


def make_ready() -> None:
    """Compiles the expressions for browsers, systems and bots; else the first event waits for it, half a second."""
    agent("Mozilla/5.0")


def agent(text: str) -> Agent:
    """What a user agent's text says. Nothing for none: a server's event is not a bot's."""
    return AGENTS[text,]


def _agent(text: str) -> Agent:
    text = text.strip()[:1000]
    if not text:
        return NO_AGENT
    found = _parser()(text, Domain.USER_AGENT | Domain.OS)
    browser = found.user_agent.family if found.user_agent else ""
    system = found.os.family if found.os else ""
    if is_crawler(text):
        return Agent(True, browser, system, "bot")
    return Agent(False, browser, system, _device_type(text))


AGENTS = Remembered(_agent, 1 << 12)


def device_type(word: str) -> str:
    """The sender's word for a device in our words, "" where it says nothing to us."""
    return _DEVICE_TYPES.get(word.strip().lower(), "")


def system(word: str) -> str:
    """The sender's name of an operating system, spelt as the user agent parser spells it."""
    text = word.strip()
    return _SYSTEMS.get(text.lower(), text)
