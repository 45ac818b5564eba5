"""Worked examples of funnels in the documentation of others, word for word, with what their pages say comes out."""

from dataclasses import dataclass, field
from typing import Any

Numbers = dict[str, Any]
MIXPANEL = "https://docs.mixpanel.com/docs/reports/funnels/funnels-advanced"
MIXPANEL_FAQ = "https://docs.mixpanel.com/docs/reports/funnels/funnels-faq"
AMPLITUDE = "https://amplitude.com/docs/analytics/charts/funnel-analysis/funnel-analysis-how-amplitude-computes"
AMPLITUDE_SEGMENTS = AMPLITUDE.replace("how-amplitude-computes", "how-amplitude-handles-segmenting")
AMPLITUDE_FAQ = "https://amplitude.com/docs/faq/funnel-analysis"
POSTHOG = "https://posthog.com/docs/product-analytics/funnels"
CLICKHOUSE = "https://clickhouse.com/docs/sql-reference/aggregate-functions/parametric-functions#windowfunnel"


@dataclass(frozen=True)
class Published:
    """`said` is quoted from the page. Numbers: counts by step, converted, p50 (ms), groups, periods."""

    page: str
    said: str
    steps: tuple[Any, ...]
    happened: str  # in the language of tests/story.py
    there: Numbers
    here: Numbers  # the same numbers, where we agree
    asked: Numbers = field(default_factory=dict)


def lines(events: str) -> str:
    """One after the other, a minute apart."""
    return "\n".join(f"ann {10 + at // 60}:{at % 60:02} track {name}" for at, name in enumerate(events.split()))


HOUR_OF_MIXPANEL = """
    ann 13:00 track A
    ann 13:30 track A
    ann 13:45 track B
    ann 14:15 track C
"""
AFTER_THE_WINDOW = """
    ann 10:00 track A
    ann 12:00 track A
    ann 12:10 track B
"""
INSIDE_THE_WINDOW = """
    ann 10:00 track A
    ann 10:30 track A
    ann 11:10 track B
"""
THREE_ENTRIES = """
    ann 10:00 track A
    ann 10:10 track A
    ann 10:20 track A
    ann 10:30 track B
"""
TWO_BROWSERS = """
    ann 10:00 track $pageview browser=Chrome
    ann 10:01 track signed_up browser=Firefox
"""
SIGNED_UP = ("$pageview", "signed_up")
LOOSE = "let's say a specific order funnel has steps: A → B → C → D → E"
BY_BROWSER = {"breakdown": "$browser"}
ABOUT = {"events": "page", "where": [{"property": "$path", "value": "/about"}]}
PAGES = """
    ann 10:00 page /pricing
    ann 10:01 page /about
"""

MIXPANELS = {
    "window of an hour": Published(
        MIXPANEL,
        "They do not show as converting through Event C since Event C took place more than 1 hour after the entry "
        "event at 1:00 pm.",
        ("A", "B", "C"),
        HOUR_OF_MIXPANEL,
        there={"counts": [1, 1, 0]},
        here={"counts": [1, 1, 1]},
        asked={"window": "1h"},
    ),
    "first entry fails": Published(
        MIXPANEL,
        "Since event A occurred first and did not convert within its window, we count the user as not converted.",
        ("A", "B"),
        AFTER_THE_WINDOW,
        there={"counts": [1, 0]},
        here={"counts": [1, 1]},
        asked={"window": "1h"},
    ),
    "re-entry after the window": Published(
        MIXPANEL,
        "We treat A^ → B as a valid conversion because A^ initiates a new funnel which converts within its active "
        "conversion window.",
        ("A", "B"),
        AFTER_THE_WINDOW,
        there={"counts": [1, 1]},
        here={"counts": [1, 1]},
        asked={"window": "1h"},
    ),
    "re-entry inside the window": Published(
        MIXPANEL,
        "The conversion rate would be 50% from the successful conversion for A^ and the drop-off for A.",
        ("A", "B"),
        INSIDE_THE_WINDOW,
        there={"counts": [2, 1]},
        here={"counts": [2, 1]},
        asked={"window": "1h", "count": "entries"},
    ),
    "two conversions": Published(
        MIXPANEL,
        "in scenario A → B → A^ → B^, there are 2 user funnels converted: A → B and A^ → B^. We only consider the "
        "first A → B as the user conversion.",
        ("A", "B"),
        "ann 10:00 track A \n ann 10:10 track B \n ann 11:00 track A \n ann 11:30 track B",
        there={"counts": [1, 1], "p50": 600_000},
        here={"counts": [1, 1], "p50": 600_000},
    ),
    "time of three entries": Published(
        MIXPANEL,
        "However in the Default mode, TTC would be calculated for A → B.",
        ("A", "B"),
        THREE_ENTRIES,
        there={"p50": 1_800_000},
        here={"p50": 1_800_000},
    ),
    "time of three entries, optimized": Published(
        MIXPANEL,
        "in scenario A → A^ → A^^ → B where all actions happen within the conversion window, in the Optimized "
        "Reentry mode TTC would be calculated for A^^ → B.",
        ("A", "B"),
        THREE_ENTRIES,
        there={"p50": 600_000},
        here={"p50": 1_800_000},
    ),
    **{
        events: Published(MIXPANEL, LOOSE, tuple("ABCDE"), lines(events), {"counts": counts}, {"counts": counts})
        for events, counts in (
            ("A B C D E", [1, 1, 1, 1, 1]),
            ("A B F C D E", [1, 1, 1, 1, 1]),
            ("A B D C D E", [1, 1, 1, 1, 1]),
            ("A B C E", [1, 1, 1, 0, 0]),
        )
    },
    "exclusion of the first step": Published(
        MIXPANEL,
        "the user will re-enter the funnel at (3) and then convert with (4). Overall, there will be two entries and "
        "one conversion.",
        ("A", "B"),
        lines("A A A B"),
        there={"counts": [2, 1]},
        here={"counts": [3, 1]},
        asked={"count": "entries", "exclusions": [{"events": "A", "effect": "drop"}]},
    ),
    "totals": Published(
        MIXPANEL_FAQ,
        "let's say a user tracked Step 1 → Step 1 → Step 2. This user would only enter the funnel once",
        ("A", "B"),
        lines("A A B"),
        there={"counts": [1, 1]},
        here={"counts": [2, 1]},
        asked={"count": "entries"},
    ),
    "two seconds of grace": Published(
        MIXPANEL_FAQ,
        "if a user completes event B first and then performs event A within two seconds, the Funnel will count this "
        "as a conversion from A → B or B → A.",
        ("A", "B"),
        "ann 10:00:00 track B \n ann 10:00:01 track A",
        there={"counts": [1, 1]},
        here={"counts": [1, 0]},
    ),
}

AMPLITUDES = {
    "four searches": Published(
        AMPLITUDE,
        "search, search, search, search, add to cart. Amplitude records one conversion, even though there were four "
        "occurrences of the funnel's first step.",
        ("search", "add_to_cart"),
        lines("search search search search add_to_cart"),
        there={"converted": 1},
        here={"converted": 1},
        asked={"count": "entries"},
    ),
    "a repeated step": Published(
        AMPLITUDE,
        "If you have defined a funnel as Event A -> Event A -> Event B, a user will be counted as converted if they "
        "fired Event A at least twice, and then fired Event B later.",
        ("A", "A", "B"),
        lines("A A B"),
        there={"counts": [1, 1, 1]},
        here={"counts": [1, 1, 1]},
    ),
    "any order without the first step": Published(
        AMPLITUDE,
        "Users who fire the later events without firing the first event are not considered to be part of the funnel",
        ("A", "B"),
        lines("B"),
        there={"counts": [0, 0]},
        here={"counts": [1, 0]},
        asked={"order": "any"},
    ),
    "conversion over time": Published(
        AMPLITUDE_FAQ,
        "the user would be considered 100% converted for January 1 and January 5, but 0% converted on January 20.",
        ("A", "B"),
        "\n".join(
            f"ann +{day} 10:00 track {name}" for day, name in ((0, "A"), (4, "A"), (19, "A"), (1, "B"), (5, "B"))
        ),
        there={"counts": [1, 1], "periods": [[1, 1], [1, 1], [1, 0]]},
        here={"counts": [1, 1], "periods": [[1, 1], [1, 1], [1, 0]]},
        asked={"by": "day"},
    ),
    "segment of the first step": Published(
        AMPLITUDE_SEGMENTS,
        "Amplitude shows this user in the [Amplitude] Country = United States segment in the Event A step.",
        ("A", "B"),
        "ann 10:00 track B nation=Canada \n ann 10:01 track A nation=US",
        there={"groups": {"US": [1, 0]}},
        here={"groups": {"US": [1, 0]}},
        asked={"breakdown": "nation"},
    ),
}

POSTHOGS = {
    "duplicate steps": Published(
        POSTHOG,
        'adding a `clicked button` step, then a second `clicked button` step that filters for the "Sign Up" button, '
        "will require the user to perform two distinct button clicks.",
        ("click", {"events": "click", "where": [{"property": "button", "value": "sign_up"}]}),
        "ann 10:00 track click button=sign_up",
        there={"counts": [1, 0]},
        here={"counts": [1, 0]},
    ),
    "first touchpoint": Published(
        POSTHOG,
        "The first touchpoint means that `Chrome` will be the breakdown value.",
        SIGNED_UP,
        TWO_BROWSERS,
        there={"groups": {"Chrome": [1, 1]}},
        here={"groups": {"Chrome": [1, 1]}},
        asked=BY_BROWSER | {"attribution": "first"},
    ),
    "last touchpoint": Published(
        POSTHOG,
        "The last touchpoint means that `Firefox` will be the breakdown value.",
        SIGNED_UP,
        TWO_BROWSERS,
        there={"groups": {"Firefox": [1, 1]}},
        here={"groups": {"Firefox": [1, 1]}},
        asked=BY_BROWSER | {"attribution": "last"},
    ),
    **{
        name: Published(
            POSTHOG,
            "The person will be in the Chrome breakdown as having completed all three steps [...] The person will "
            "also be in the Firefox breakdown, but only for the `$pageview` step",
            (*SIGNED_UP, "posted"),
            """
                ann 10:00 track $pageview browser=Chrome
                ann 10:01 track $pageview browser=Firefox
                ann 10:02 track signed_up browser=Chrome
                ann 10:03 track posted browser=Chrome
                ann 10:04 track posted browser=Firefox
            """,
            there={"groups": {"Chrome": [1, 1, 1], "Firefox": [1, 0, 0]}},
            here={"groups": here},
            asked=BY_BROWSER | asked,
        )
        for name, asked, here in (
            ("all steps", {"attribution": "all"}, {"Chrome": [1, 1, 1]}),
            (
                "all steps, held constant",
                {"constant": ["$browser"], "count": "entries"},
                {"Chrome": [1, 1, 1], "Firefox": [1, 0, 0]},
            ),
        )
    },
    "specific step": Published(
        POSTHOG,
        "When step two is chosen in this example, the value will be `Firefox`.",
        SIGNED_UP,
        TWO_BROWSERS,
        there={"groups": {"Firefox": [1, 1]}},
        here={"groups": {"Firefox": [1, 1]}},
        asked=BY_BROWSER | {"attribution": 2},
    ),
    "specific step not done": Published(
        POSTHOG,
        "Also, any people who only have a `$pageview` event will be excluded from the funnel.",
        SIGNED_UP,
        "ann 10:00 track $pageview browser=Chrome",
        there={"groups": {}},
        here={"groups": {"not_reached": [1, 0]}},
        asked=BY_BROWSER | {"attribution": 2},
    ),
    "specific step done twice": Published(
        POSTHOG,
        "Then the person would have both `Chrome` and `Firefox` as their breakdown values.",
        SIGNED_UP,
        "ann 10:00 track $pageview browser=Chrome \n ann 10:01 track $pageview browser=Firefox",
        there={"groups": {"Chrome": [1, 0], "Firefox": [1, 0]}},
        here={"groups": {"Chrome": [1, 0]}},
        asked=BY_BROWSER | {"attribution": 1},
    ),
    "first matching": Published(
        POSTHOG,
        "PostHog ignores the `/pricing` view and matches the `/about` view, as it's the first one that fits the "
        "step's criteria.",
        (ABOUT, "signed_up"),
        PAGES,
        there={"counts": [1, 0]},
        here={"counts": [1, 0]},
    ),
    "first ever": Published(
        POSTHOG,
        "Since the first page view doesn't match the `/about` filter, the user will be dropped from the funnel, even "
        "if they visit `/about` later.",
        (ABOUT, "signed_up"),
        PAGES,
        there={"counts": [0, 0]},
        here={"counts": [1, 0]},
    ),
}

CLICKHOUSES = {
    "the user of the page": Published(
        CLICKHOUSE,
        "Find out how far the user user_id could get through the chain in a period in January-February of 2019.",
        ("1003", "1009", "1007", "1010"),
        """
            ann +1 10:00 track 1003
            ann +3 09:00 track 1007
            ann +2 08:00 track 1009
            ann +4 08:00 track 1010
        """,
        there={"counts": [1, 1, 1, 1]},
        here={"counts": [1, 1, 1, 1]},
    ),
    "strict order": Published(
        CLICKHOUSE,
        "in the case of A->B->D->C, it stops finding A->B->C at the D and the max event level is 2.",
        ("A", "B", "C"),
        lines("A B D C"),
        there={"counts": [1, 1, 0]},
        here={"counts": [1, 1, 0]},
        asked={"order": "strict"},
    ),
    "strict order with a repeat": Published(
        CLICKHOUSE,
        "in the case of A->A->B->C, it finds A->B->C by ignoring the redundant A and the max event level is 3.",
        ("A", "B", "C"),
        lines("A A B C"),
        there={"counts": [1, 1, 1]},
        here={"counts": [1, 1, 1]},
        asked={"order": "strict"},
    ),
}
