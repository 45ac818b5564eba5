"""What senders' own words become, as tables: of webhooks, other trackers' protocols, exports, the vocabulary."""

import msgspec

from api.links.token import Claims, token
from api.protocols.protocols import PROTOCOLS
from api.webhooks.event import IDENTIFY
from api.webhooks.vendor import Meaning
from api.webhooks.vendors import VENDORS
from docs.markdown import code, rows
from pipeline.ingest import channel
from pipeline.ingest.costs.networks import NEEDED, NETWORKS
from pipeline.ingest.exports.exports import EXPORTS
from pipeline.ingest.mapping import mapping as mappings
from pipeline.ingest.vocabulary import VOCABULARY

EXAMPLE_KID, EXAMPLE_SECRET = "0123456789abcdef", "a secret that signs links"
EXAMPLE = Claims(to="https://shop.example/spring", user="ann", mail="m-1")
EXAMPLE_CLAIMS = msgspec.json.encode(EXAMPLE).decode()
EXAMPLE_TOKEN = token(EXAMPLE_KID, EXAMPLE_SECRET, EXAMPLE)


def signed_link() -> str:
    """A link that everybody's signing must give."""
    head, claims, sum = EXAMPLE_TOKEN.split(".")
    lines = ("kid", EXAMPLE_KID), ("secret", EXAMPLE_SECRET), ("claims", EXAMPLE_CLAIMS)
    told = [f"    {name:8}{value}" for name, value in (*lines, ("token", f"{head}."), ("", f"{claims}."), ("", sum))]
    return "\n".join(told) + "\n"


def vendors() -> str:
    """How each vendor's webhooks are known to be its own, and to be new."""
    head = ("vendor", "route", "signature", "signing secret", "what tells copies apart", "who it names")
    unsigned = "signs nothing"
    lines = [
        (
            each.title,
            code(f"/webhooks/{each.name}"),
            each.signature or unsigned,
            each.secret or "-",
            each.once,
            each.identity,
        )
        for each in VENDORS.values()
    ]
    return rows(head, lines)


def webhooks() -> str:
    """What each vendor's notes become; notes that become the same stand in one line."""
    lines = []
    for vendor in VENDORS.values():
        by_meaning: dict[Meaning, list[str]] = {}
        for word, meaning in vendor.meanings.items():
            by_meaning.setdefault(meaning, []).append(word if "`" in word else code(word))
        for meaning, words in by_meaning.items():
            lines.append((vendor.title, ", ".join(words), *_meaning(meaning)))
    return rows(("vendor", "its note", "event", "channel", "contact", "more"), lines)


def _meaning(meaning: Meaning) -> tuple[str, str, str, str]:
    if not meaning.event or meaning.event == IDENTIFY:
        return (code(IDENTIFY) if meaning.event else "-", "-", "-", meaning.note)
    if "`" in meaning.event:  # named by the sender
        return meaning.event, code(meaning.channel), "by its name", meaning.note
    contact = channel.contact(meaning.event, "track", meaning.channel, False)
    return meaning.event, code(meaning.channel), code(contact) if contact else "none", meaning.note


def protocols() -> str:
    """Where each protocol is spoken, whose key it is, and what a site changes."""
    head = ("tracker", "routes", "the key comes as", "alias", "what tells copies apart", "what a site changes")
    lines = [
        (
            each.title,
            ", ".join(code(path if "." in path or "*" in path else f"{path}/") for path in each.paths),
            each.key,
            code(f"{each.name}:..."),
            each.once,
            each.switch,
        )
        for each in PROTOCOLS.values()
    ]
    return rows(head, lines)


def protocol_events() -> str:
    """What each protocol's events and fields become; those that become the same stand in one line."""
    lines = []
    for each in PROTOCOLS.values():
        for kind, known in (("event", each.becomes), ("field", each.homes)):
            by_meaning: dict[str, list[str]] = {}
            for name, meaning in known.items():
                by_meaning.setdefault(meaning, []).append(code(name))
            lines += [
                (each.title, kind, ", ".join(names), code(meaning) if meaning else "read by the protocol, not stored")
                for meaning, names in by_meaning.items()
            ]
        lines += [(each.title, "more", name, meaning) for name, meaning in each.notes.items()]
    return rows(("tracker", "", "theirs", "ours"), lines)


def vocabulary() -> str:
    lines = [
        (name, code(known.channel), code(known.contact) if known.contact else "none", known.note)
        for name, known in VOCABULARY.items()
    ]
    return rows(("event", "channel", "contact", "properties"), lines)


def exports() -> str:
    """What the files of other trackers become."""
    told = []
    for each in EXPORTS.values():
        told.append(f"### --from {each.name}\n{each.title[:1].upper()}{each.title[1:]}: {each.file}.\n")
        told.append(rows(("of it", "becomes"), each.becomes))
    return "\n".join(told)


def cost_networks() -> str:
    """Which columns of each network's export are read."""
    head = ("network", "day", "campaign", "cost", "also", "utm tags")
    lines = []
    for each in NETWORKS.values():
        known = {name: ", ".join(map(code, names)) for name, names in each.columns.items()}
        others = "; ".join(text for name, text in known.items() if name not in NEEDED)
        tags = f"{code(each.source)}, {code(each.medium)}"
        lines.append((f"{each.title} ({code(each.name)})", *(known[name] for name in NEEDED), others, tags))
    return rows(head, lines)


def mapping() -> str:
    """Keys of an event in a mapping, as further rows of a table."""
    lines = [(name, ".".join(where)) for name, where in mappings.FIELDS.items()]
    lines += [(f"[event.{name}]", ".".join(where)) for name, where in mappings.TABLES.items()]
    return "".join(f"| {code(name)} | {code(where)} |\n" for name, where in lines)
