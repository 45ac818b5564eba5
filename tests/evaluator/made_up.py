"""Histories and questions for Hypothesis: few names and few moments, so that ties, repeats and overlaps are common."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from tests.evaluator.happenings import Happening, Json

NAMES = "ABC"
STRANGERS = "XY"
Question = dict[str, Json]
Draw = Callable[..., Any]

values = st.sampled_from([None, None, 0, 1, 1.0, "1", True, False, "", "b", "a b", [1, 2]])
named = st.one_of(
    st.sampled_from(NAMES),
    st.sampled_from(NAMES),
    st.lists(st.sampled_from(NAMES + STRANGERS), min_size=2, max_size=2, unique=True),
    st.sampled_from(["*", "*", "heartbeat"]),
)
filters = st.one_of(
    st.builds(
        lambda name, operator, value: {"property": name, "operator": operator, "value": value},
        st.sampled_from(["p", "q.r", "$channel", "$event"]),
        st.sampled_from(["is", "is_not", "gte", "lt", "contains", "not_contains"]),
        st.sampled_from([0, 1, True, "1", "b", "a", "web", "A"]),
    ),
    st.builds(
        lambda name, operator: {"property": name, "operator": operator},
        st.sampled_from(["p", "q.r", "$path"]),
        st.sampled_from(["set", "not_set"]),
    ),
    st.builds(
        lambda name, operator, value: {"property": name, "operator": operator, "value": value},
        st.sampled_from(["p", "q.r"]),
        st.sampled_from(["in", "not_in", "between"]),
        st.lists(st.sampled_from([0, 1, 2]), min_size=2, max_size=2).map(sorted),
    ),
    st.builds(
        lambda value: {"property": "p", "operator": "regex", "value": value}, st.sampled_from(["^1", "b$", "a|0"])
    ),
)
where = st.one_of(
    st.just([]), st.just([]), st.just([]), st.just([]), st.just([]), st.lists(filters, min_size=1, max_size=2)
)


@st.composite
def steps(draw: Draw, order: str, most: int = 4) -> list[dict[str, Json]]:
    count = draw(st.integers(2, most))
    return [
        {
            "events": draw(named),
            "where": draw(where),
            "optional": order != "any" and 0 < at < count - 1 and draw(st.integers(0, 2)) == 0,
        }
        for at in range(count)
    ]


@st.composite
def exclusion(draw: Draw, count: int) -> dict[str, Json]:
    after = draw(st.integers(1, count - 1))
    return {
        "events": draw(st.one_of(st.sampled_from(STRANGERS), st.sampled_from(STRANGERS), named)),
        "where": draw(where),
        "after": after,
        "before": draw(st.one_of(st.none(), st.integers(after + 1, count))),
        "effect": draw(st.sampled_from(["remove", "drop"])),
    }


@st.composite
def followed(draw: Draw, windows: st.SearchStrategy[Any]) -> Question:
    """What a saved funnel has too: steps, window, order, exclusions, constant properties, breakdown."""
    order = draw(st.sampled_from(["ordered", "ordered", "strict", "any"]))
    of = draw(steps(order))
    return {
        "steps": of,
        "order": order,
        "window": draw(windows),
        "exclusions": draw(st.one_of(st.just([]), st.lists(exclusion(len(of)), min_size=1, max_size=2))),
        "constant": draw(
            st.one_of(
                st.just([]),
                st.just([]),
                st.sampled_from([["p"], ["$channel"], ["q.r", "$channel"], ["$channel", "p", "q.r"]]),
            )
        ),
        "breakdown": draw(
            st.sampled_from([None, "p", "p", "q.r", "$channel", "$event", ["p", "$event"], ["$channel", "q.r", "p"]])
        ),
    }


@st.composite
def simple(draw: Draw, windows: st.SearchStrategy[Any]) -> Question:
    """Steps in order that no event can meet two of: what an engine may count without looking at each event."""
    names = draw(st.permutations([*NAMES, "X", "heartbeat"]))
    count = draw(st.integers(2, 4))
    return {
        "steps": [
            {"events": name, "where": draw(where) if draw(st.integers(0, 3)) == 0 else [], "optional": False}
            for name in names[:count]
        ],
        "order": "ordered",
        "window": draw(windows),
        "exclusions": [],
        "constant": [],
        "breakdown": draw(st.sampled_from([None, "p", "$channel", "$segment.doers"])),
    }


@st.composite
def choices(draw: Draw, of: Question, *, is_saved: bool = False) -> Question:
    """How the entries of a funnel are counted."""
    count = len(of["steps"])
    first, last = sorted(draw(st.lists(st.integers(1, count), min_size=2, max_size=2, unique=True)))
    return {
        "count": draw(st.sampled_from(["customers", "entries"] + ["sessions", "groups"] * (not is_saved))),
        "entries": draw(st.sampled_from(["all", "all", "closed", "open"])),
        "attribution": draw(
            st.sampled_from(["first", "last", "all", *range(1, count + 1)] if of["breakdown"] else ["first"])
        ),
        "limit": draw(st.sampled_from([1, 2, 100])),
        "convert": draw(st.sampled_from([{"from": 1, "to": None}, {"from": first, "to": last}])),
        "by": draw(st.sampled_from([None, "hour", "day", "week", "month"])),
        "zone": draw(st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns"])),
        "within_range": not is_saved and draw(st.booleans()),
        "include_bots": not is_saved and draw(st.booleans()),
    }


@st.composite
def happening(draw: Draw, number: int, moments: st.SearchStrategy[int], customer: str, device: str) -> Happening:
    name = draw(st.sampled_from(NAMES * 4 + STRANGERS + "hg"))
    properties = {"p": draw(values)} if draw(st.booleans()) else {}
    if draw(st.booleans()):
        properties |= {"q": {"r": draw(values)}}
    return Happening(
        at=draw(moments),
        name={"h": "heartbeat", "g": "group"}.get(name, name),
        message_id=number,
        customer=customer,
        device=device,
        sequence=draw(st.sampled_from([0, 0, 0, 1, 2])),
        properties=properties,
        columns={"$channel": draw(st.sampled_from(["web", "web", "app"]))},
        is_passive=name == "h",
        is_bot=draw(st.integers(0, 19)) == 0,
        group=draw(st.sampled_from(["", "", "", "g1", "g2"])),
    )


@st.composite
def history(draw: Draw, moments: st.SearchStrategy[int], most: int = 9, **who: str) -> list[Happening]:
    """The events of one customer on one device, in any order."""
    count = draw(st.integers(0, most))
    numbers = draw(st.permutations(range(1, count + 1)))
    who = {"customer": "ann", "device": "phone"} | who
    return [draw(happening(number, moments, **who)) for number in numbers]
