"""Everything in an event is hostile: it stays text wherever it is shown."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Complaints, Open
from tests.browser.visits import visit
from tests.scenarios.project import Project

MARKUP = '<img src=x onerror="window.isBroken=1"><script>window.isBroken=1</script>'
SCRIPT_ADDRESS = "javascript:window.isBroken=1"
TEXTS = (MARKUP, SCRIPT_ADDRESS, "{{7*7}}${7*7}", "__proto__", "constructor")
EVERYWHERE = ("#feed-body", "#funnel-body", "#journeys-body", "#customer-body", "#figures")


def is_harmless(page: Page) -> bool:
    """No markup and no address came out of an event."""
    count = page.locator(", ".join(f"{each} :is(img, script, iframe)" for each in EVERYWHERE)).count()
    addresses = page.evaluate("[...document.links].map((link) => link.protocol)")
    return count == 0 and set(addresses) <= {"http:"} and page.evaluate("window.isBroken === undefined") is True


def hostile(who: str, name: str) -> list[dict[str, object]]:
    """Events with the text in all that a browser may send."""
    events = visit(who, "/" + name, name, "Ordered", minutes_ago=0, user=name + who, referrer="https://" + name)
    events.append({
        "type": "identify", "anonymousId": who, "userId": name + who,
        "traits": {"name": name, name: name},
        "context": {"userAgent": name, "campaign": {"name": name, "source": name}},
    })  # fmt: skip
    events[0]["context"]["page"]["title"] = name
    events[1]["properties"] = {name: name, "currency": name, "value": 3}
    events[1]["channel"] = name
    return events


@pytest.mark.parametrize("names", [TEXTS, ("\u202eevil\u202c \u0000",)], ids=["texts", "signs"])
def test_what_an_event_says_stays_text(look: Open, shop: Project, names: tuple[str, ...]) -> None:
    if names == TEXTS:
        shop.save("funnels", {"name": "texts", "steps": [{"events": [name], "label": name} for name in names]})
    shop.deliver([event for number, name in enumerate(names) for event in hostile(f"ann {number}", name)])
    page = look()
    expect(page.locator("#feed li").first).to_be_visible()
    expect(page.locator("#funnel .step").first).to_be_visible()
    expect(page.locator("#journeys tbody tr")).to_have_count(len(names))
    for number in range(len(names)):
        page.locator("#journeys tbody a").nth(number).click()
        expect(page.get_by_role("dialog").locator(".visits > li").first).to_be_visible()
        assert is_harmless(page)
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)


def test_markup_is_shown_as_it_was_sent(look: Open, shop: Project) -> None:
    shop.deliver(visit("ann", MARKUP))
    page = look()
    expect(page.locator("#feed li strong")).to_have_text([MARKUP])


def test_a_rejected_payload_stays_text(look: Open, shop: Project) -> None:
    shop.deliver([{"type": MARKUP, "anonymousId": MARKUP, "event": {MARKUP: MARKUP}}])
    page = look()
    page.locator("#feed li.reject summary").click()
    expect(page.locator("#feed li.reject pre")).to_contain_text("onerror")
    assert is_harmless(page)


def test_a_hostile_address_opens_nothing(look: Open, shop: Project, complaints: Complaints) -> None:
    shop.deliver(visit("ann", "/"))
    page = look(customer="../../admin/progress", funnel=MARKUP, bounce="constructor", range="__proto__")
    expect(page.get_by_role("dialog")).to_contain_text("Nothing more is known")
    assert is_harmless(page)
    assert len(complaints) == 1
    assert "404" in complaints.pop()  # the browser tells of every failed request


def test_the_policy_stops_a_script_that_got_in_all_the_same(look: Open, complaints: Complaints) -> None:
    page = look()
    told = page.evaluate("""() => {
      const tried = (what) => { try { what(); return "done"; } catch (error) { return error.name; } };
      return [
        tried(() => { document.body.insertAdjacentHTML("beforeend", "<b>no</b>"); }),
        tried(() => { document.createElement("script").text = "window.isBroken = 1"; }),
      ];
    }""")
    assert told == ["TypeError", "TypeError"]
    assert page.evaluate("window.isBroken === undefined") is True
    assert len(complaints) == 2
    assert all("TrustedHTML" in each or "TrustedScript" in each for each in complaints)
    complaints.clear()
